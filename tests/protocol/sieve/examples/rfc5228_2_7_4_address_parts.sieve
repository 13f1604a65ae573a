# RFC 5228 §2.7.4
#= a: redirect local@example.com | redirect domain@example.com | redirect all@example.com
if address :localpart :is "from" "COYOTE" { redirect "local@example.com"; }
if address :domain :is "from" "Desert.Example.ORG" { redirect "domain@example.com"; }
if address :all :is "from" "coyote@desert.example.org" { redirect "all@example.com"; }
if address :localpart :comparator "i;octet" :is "from" "COYOTE" { redirect "octet@example.com"; }
