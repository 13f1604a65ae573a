# RFC 5429 §2.2
#= a from=coyote@desert.example.org: reject Your message is too big.  If you want to send me a big attachment,??put it on a public web site and send me a URL.??
require ["reject"];

if size :over 100 {
    reject text:
Your message is too big.  If you want to send me a big attachment,
put it on a public web site and send me a URL.
.
    ;
}
