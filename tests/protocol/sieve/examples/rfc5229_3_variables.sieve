# RFC 5229 §3
#= a: fileinto &%${}!|${doh!}|${ACME|${President, ACME Inc.}||ACME
require ["variables", "fileinto"];
set "company" "ACME";
fileinto "&%${}!|${doh!}|${${company}|${President, ${company} Inc.}|${unset}|${COMPANY}";
