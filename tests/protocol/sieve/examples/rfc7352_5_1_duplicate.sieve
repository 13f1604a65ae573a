# RFC 7352 §5.1
#= list: implicit keep
#= a: implicit keep
require ["duplicate", "fileinto", "mailbox"];

if duplicate {
  fileinto :create "Trash/Duplicate";
}
