# RFC 5463 §4
#= a: fileinto ${x} :copy | fileinto known from there on
require ["ihave"];
if ihave "nonesuch" { nonesuch "at all"; }
elsif ihave ["fileinto", "copy"] { fileinto :copy "${x}"; }
fileinto "known from there on";
