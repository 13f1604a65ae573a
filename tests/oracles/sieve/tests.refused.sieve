require ["fileinto","variables","reject","vacation","relational","comparator-i;ascii-numeric","date","include","editheader","duplicate"];
if size 100 { keep; }
if size :over :under 100 { keep; }
if address "subject" "x" { keep; }
if header :comparator "i;foo" "a" "b" { keep; }
if header :count "zz" "a" "b" { keep; }
if header :contains :comparator "i;ascii-numeric" "a" "b" { keep; }
fileinto 3;
fileinto :copy "x";
redirect "foo";
redirect "<foo@x.y>";
redirect "foo bar <foo@x.y>";
set "1a" "x";
set "1" "x";
set "a.b" "x";
set :lower :upper "x" "y";
elsif true { keep; }
if anyof true { keep; }

require "copy";
stop;
