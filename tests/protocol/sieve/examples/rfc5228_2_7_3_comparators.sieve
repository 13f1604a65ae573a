# RFC 5228 §2.7.3
#= b: implicit keep
if header :contains :comparator "i;octet" "Subject"
      "MAKE MONEY FAST" {
   discard;
}
