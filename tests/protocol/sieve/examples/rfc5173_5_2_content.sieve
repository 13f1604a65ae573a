# RFC 5173 §5.2
#= parts: fileinto multipart | fileinto epilogue | fileinto plain | fileinto html | fileinto text | fileinto message
require ["body", "fileinto", "relational"];
if body :content "multipart" :contains "MIME" { fileinto "multipart"; }
if body :content "multipart" :contains "inner MIME multipart" { fileinto "epilogue"; }
if body :content "text/plain" :contains "Hello" { fileinto "plain"; }
if body :content "text/html" :contains "Hello" { fileinto "html"; }
if body :content "text" :count "eq" "3" { fileinto "text"; }
if body :content "message/rfc822" :contains "Hello" { fileinto "message"; }
if body :content "message/rfc822" :contains "Please" { fileinto "no"; }
if body :content "/plain" :contains "" { fileinto "no"; }
if body :content "text/" :contains "" { fileinto "no"; }
if body :content "audio/mp3" :contains "" { fileinto "jukebox"; }
