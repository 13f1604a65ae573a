# RFC 5230 §4.2
#= a from=coyote@desert.example.org to=roadrunner@acme.example.com: vacation 604800 I'm away -- send mail to foo in my absenceAutomatic response to: ${1}<default-from><NO-MIME> :subject Automatic response to: I have a present for you | implicit keep
require ["vacation", "variables"];
if header :matches "subject" "*" {
    vacation :subject "Automatic response to: ${1}"
             "I'm away -- send mail to foo in my absence";
}
