# RFC 5228 §4.1
#= a: fileinto INBOX.harassment
#= b: implicit keep
require "fileinto";
if header :contains ["from"] "coyote" {
   fileinto "INBOX.harassment";
}
