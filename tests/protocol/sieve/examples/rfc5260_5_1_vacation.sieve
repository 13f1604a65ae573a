# RFC 5260 §5.1
#= a now=1183800600: vacation 604800 I'm away during the first week in July.<default-subject><default-from><NO-MIME> | implicit keep
#= a now=1184405400: implicit keep
require ["date", "relational", "vacation"];
if allof(currentdate :value "ge" "date" "2007-06-30",
         currentdate :value "le" "date" "2007-07-07")
{ vacation :days 7  "I'm away during the first week in July."; }
