# RFC 5229 §4
#= a: fileinto Dear Mr Coyote
require ["variables", "fileinto"];
set "honorific"  "Mr";
set "first_name" "Wile";
set "last_name"  "Coyote";
fileinto "Dear ${HONORIFIC} ${last_name}";
