# RFC 5173 §6
#= a: fileinto before
require ["body", "variables", "fileinto"];
if string :matches "before" "*" { }
if body :raw :matches "*anvil*" { fileinto "${1}"; }
