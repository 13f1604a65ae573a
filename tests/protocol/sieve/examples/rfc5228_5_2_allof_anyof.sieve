# RFC 5228 §5.2
#= a: fileinto 3 | fileinto 5 | fileinto 6
require "fileinto";
if allof (false, false) { fileinto "1"; }
if allof (false, true) { fileinto "2"; }
if allof (true,  true) { fileinto "3"; }
if anyof (false, false) { fileinto "4"; }
if anyof (false, true) { fileinto "5"; }
if anyof (true,  true) { fileinto "6"; }
