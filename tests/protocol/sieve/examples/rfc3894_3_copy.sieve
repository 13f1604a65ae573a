# RFC 3894 §3
#= a: fileinto incoming :copy | redirect a@example.com :copy | implicit keep
require ["copy", "fileinto"];
fileinto :copy "incoming";

# ... more processing follows ...
redirect :copy "a@example.com";
