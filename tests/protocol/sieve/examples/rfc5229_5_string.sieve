# RFC 5229 §5
#= a: fileinto pending
require ["variables", "fileinto"];
set "state" "${state} pending";
if string :matches " ${state} " "* pending *" {
    fileinto "pending";
}
