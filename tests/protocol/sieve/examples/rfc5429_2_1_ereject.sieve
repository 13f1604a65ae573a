# RFC 5429 §2.1
#= a: ereject I no longer accept mail from this address
#= b: implicit keep
require ["ereject"];

if address "from" "coyote@desert.example.org" {
    ereject "I no longer accept mail from this address";
}
