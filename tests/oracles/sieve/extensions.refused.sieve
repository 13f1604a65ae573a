require ["fileinto","fileinto","foo","header","comparator-i;octet","envelope","body","copy","mailbox","imap4flags","subaddress","spamtest","spamtestplus","virustest","environment","ihave","relational","variables", "encoded-character","vacation-seconds"];
require "vacation-seconds";
require "if";
if envelope "foo" "b" { keep; }
if envelope :localpart "auth" "b" { keep; }
if envelope :user "from" "b" { keep; }
if envelope :user :domain "from" "b" { keep; }
if body :raw :text "b" { keep; }
if body :content 3 "b" { keep; }
if body :content "text" "b" { keep; }
setflag "a" "b";
setflag;
setflag 3;
setflag ["a","b"] "c";
if hasflag "a" "b" {}
if hasflag ["a","b"] {}
if hasflag :count "gt" ["a","b"] "3" {}
addflag "\\bar";
addflag "a b";
addflag "a%b";
keep :flags 3;
keep :flags "a" :flags "b";
if spamtest "x" {}
if spamtest :percent "x" {}
if spamtest 3 {}
if virustest "x" {}
if environment "name" "Dovecot" {}
if environment "foo" "Dovecot" {}
if ihave "foo" { bar; }
if not ihave "foo" { baz; }
if ihave "copy" { bar2; }
if ihave ["copy", "foo"] { bar; } else { xyz; }
error "a";
if header :value "gt" "a" "b" {}
if header :value "${x}" "a" "b" {}
set "a" "${unicode:D800}${hex:40 41}";
set "a" "${unicode:110000}${hex:40 41}";
set "${a}" "x";
set "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" "x";
set "b" "${foo.bar}";
set "b" "${1234}";
set "b" "${32}";
set :quotewildcard :lower :lowerfirst :length "b" "ABC";
set :lower :length "b";
if string "a" "b" {}
if string :count "eq" ["a",""] "1" {}
if mailboxexists ["a","b"] {}
if mailboxexists 3 {}
fileinto :create "";
fileinto "a/b\n";
vacation :seconds 30 "x";
vacation :seconds 30 :days 3 "x";
vacation :days 0 "x";
vacation :days 10000 "x";
vacation :addresses "foo" "x";
vacation :mime "foo";
