# RFC 5228 §3.2
#= a: keep
require ["fileinto", "reject"];
require "fileinto";
require "vacation";
keep;
