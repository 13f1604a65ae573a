# RFC 5228 §5.7
#= list: fileinto contains
#= a: fileinto no Cc
require "fileinto";
if header :is ["X-Caffeine"] [""] { fileinto "is"; }
if header :contains ["X-Caffeine"] [""] { fileinto "contains"; }
if not header :matches "Cc" "?*" { fileinto "no Cc"; }
