# RFC 5228 §5.4
#= a from=<>: fileinto null | fileinto domain
#= a from=x@y.z: implicit keep
require ["envelope", "fileinto"];
if envelope "from" "" { fileinto "null"; }
if envelope :domain "from" "" { fileinto "domain"; }
