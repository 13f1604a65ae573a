require ["fileinto","variables","reject","vacation","relational","comparator-i;ascii-numeric","date","include","editheader","duplicate","regex"];
if size 100 { keep; }
if size :over :under 100 { keep; }
if address "subject" "x" { keep; }
if header :comparator "i;foo" "a" "b" { keep; }
if header :count "zz" "a" "b" { keep; }
if header :count "gt" "a" "b" { keep; }
if header :count  { keep; }
if header :count 3 "a" "b" { keep; }
if header :contains :comparator "i;ascii-numeric" "a" "b" { keep; }
if header :contains :is "a" "b" { keep; }
if header :is :is "a" "b" { keep; }
if header :is "b" { keep; }
if header :is 3 "b" { keep; }
if header :is ["a","b"] ["c", "d"] :comparator "i;octet" { keep; }
fileinto 3;
fileinto :copy "x";
redirect "foo";
redirect "<foo@x.y>";
redirect "foo bar <foo@x.y>";
redirect ["a@b.c","d@x.y"];
set "1a" "x";
set "1" "x";
set "a.b" "x";
set :lower :upper "x" "y";
set :foo "x" "y";
elsif true { keep; }
if anyof true { keep; }
if allof(true, false) {keep;}
require "copy";
require 3;
keep; 
reject 3;
reject "a" "b";
vacation :days "x" "y";
vacation :days 3 :days 4 "y";
vacation :from "zork" "y";
vacation;
vacation :subject;
if not (true, true) { keep; }
if { keep;}
if true { keep; } else true { keep; }
if header { }
true;
if keep {}
if date "date" "zork" "x" {}
if date :zone "zork" "date" "year" "x" {}
if date :zone "+0200" :originalzone "date" "year" "x" {}
if currentdate :originalzone "year" "x" {}
if header :index 2 "a" "b" {}
if header :regex "a" "(b" {}
if header :regex :comparator "i;ascii-numeric" "a" "(b" {}
include "foo";
include "${a}";
include :global :personal "foo";
global "a";
return;
addheader "a b" "c";
addheader "Subject" "c";
deleteheader :index 0 "Subject" "c";
deleteheader :last "Subject" "c";
deleteheader "Received";
if duplicate :header "a b" {}
if duplicate :header "a" :uniqueid "b" {}
if duplicate :seconds 3 :handle "c" {}
addflag "x";
if true { require "copy"; }
if header :comparator "i;unicode-casemap" "a" "b" { keep; }
if header :last "a" "b" { keep; }
if envelope "from" "b" { keep; }
