# RFC 5228 §2.7.1
#= list: fileinto acme-users/[fwd] version 1.0 is out | fileinto a+lice
#= a: implicit keep
# draft-ietf-sieve-regex has :regex as a further match type.
require ["regex", "variables", "fileinto"];
if header :regex "subject" "^\\[([[:alpha:]-]+)\\] (.*)$" { fileinto "${1}/${2}"; }
if address :regex "from" "(a|al)(ice|lice)@" { fileinto "${1}+${2}"; }
