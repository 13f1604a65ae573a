# RFC 5229 §3.2
#= a: fileinto []
require ["fileinto", "variables"];
if anyof (true, address :domain :matches "To" "*.com") {
    # The second test is never evaluated, so there are
    # still no match variables set.
    fileinto "[${1}]";
}
