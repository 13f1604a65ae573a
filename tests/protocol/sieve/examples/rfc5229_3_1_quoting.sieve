# RFC 5229 §3.1
#= a: fileinto bar | fileinto ${fo\o} | fileinto bar. | fileinto \bar | fileinto regarding ${beep} | fileinto dear Ethelbert
require ["encoded-character", "variables", "fileinto"];
set "foo" "bar";
fileinto "${fo\o}";
fileinto "${fo\\o}";
fileinto "\${foo}.";
fileinto "\\${foo}";
set "dollar" "$";
set "text" "regarding ${dollar}{beep}";
fileinto "${text}";
set "name" "Ethelbert";
fileinto "dear${hex:20 24 7b 4e}ame}";
