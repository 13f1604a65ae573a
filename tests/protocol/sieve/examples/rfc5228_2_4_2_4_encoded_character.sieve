# RFC 5228 §2.4.2.4
#= a: implicit keep
#= b: discard
require "encoded-character";
if header :contains "Subject" "$${hex:24 24}" {
   discard;
}
