# RFC 5228 §5.4
#= a from=tim@example.com: discard
#= a from=coyote@desert.example.org: implicit keep
require "envelope";
if envelope :all :is "from" "tim@example.com" {
   discard;
}
