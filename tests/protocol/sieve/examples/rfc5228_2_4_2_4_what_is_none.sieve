# RFC 5228 §2.4.2.4
#= a: fileinto $@|@|@|${hex:40|${hex:400}|${hex:40}|@|${ unicode:40}|@|@|@
require ["encoded-character", "fileinto"];
fileinto "$${hex:40}|${hex: 40 }|${HEX: 40}|${hex:40|${hex:400}|${hex:4${hex:30}}|${unicode:40}|${ unicode:40}|${UNICODE:40}|${UnICoDE:0000040}|${Unicode:40}";
