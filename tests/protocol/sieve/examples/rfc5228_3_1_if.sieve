# RFC 5228 §3.1
#= a: discard
#= b: discard
#= list: keep
require "fileinto";
if header :contains "from" "coyote" {
   discard;
} elsif header :contains ["subject"] ["$$$"] {
   discard;
} else {
   fileinto "INBOX";
}
