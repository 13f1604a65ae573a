# RFC 5228 §2.10.3
#= a: fileinto x | keep | redirect a@example.com
require "fileinto";
fileinto "x"; fileinto "x"; keep; keep; redirect "a@example.com"; redirect "a@example.com";
