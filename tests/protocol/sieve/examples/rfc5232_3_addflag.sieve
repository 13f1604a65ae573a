# RFC 5232 §3.2
#= a: fileinto one \answered \deleted | fileinto two \answered \deleted | fileinto three \answered \deleted | fileinto four \answered
require ["imap4flags", "variables", "fileinto"];
addflag "flagvar" "\\Deleted";
addflag "flagvar" "\\Answered";
fileinto :flags "${flagvar}" "one";
addflag "b" ["\\Deleted", "\\Answered"];
fileinto :flags "${b}" "two";
addflag "c" "\\Deleted \\Answered";
fileinto :flags "${c}" "three";
removeflag "c" "\\deleted";
fileinto :flags "${c}" "four";
