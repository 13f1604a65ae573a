# RFC 5490 §3.1
#= a mailbox=Partners: fileinto Partners
#= a: reject This message was not accepted by the Mailstore
require ["fileinto", "reject", "mailbox"];
if mailboxexists "Partners" {
   fileinto "Partners";
} else {
   reject "This message was not accepted by the Mailstore";
}
