# RFC 5231 §6
#= relational: fileinto three | fileinto lines
require ["relational", "comparator-i;ascii-numeric", "fileinto"];
if address :count "ge" :comparator "i;ascii-numeric" ["to", "cc"] ["3"] { fileinto "three"; }
if anyof ( address :count "ge" :comparator "i;ascii-numeric" ["to"] ["3"],
           address :count "ge" :comparator "i;ascii-numeric" ["cc"] ["3"] ) { fileinto "no"; }
if header :count "ge" :comparator "i;ascii-numeric" ["received"] ["3"] { fileinto "no"; }
if header :count "ge" :comparator "i;ascii-numeric" ["received", "subject"] ["3"] { fileinto "lines"; }
if header :count "ge" :comparator "i;ascii-numeric" ["to", "cc"] ["3"] { fileinto "no"; }
