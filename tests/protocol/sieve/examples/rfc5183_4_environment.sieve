# RFC 5183 §4
#= a: fileinto name
require ["environment", "fileinto"];
if environment "nonesuch" "" { fileinto "no"; }
if environment :matches "name" "*Sieve*" { fileinto "name"; }
