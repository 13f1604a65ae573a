# RFC 5228 §5.1
#= a: implicit keep
if address :is :all "from" "tim@example.com" {
   discard;
}
