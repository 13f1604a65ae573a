# RFC 5232 §4
#= a: fileinto 1 | fileinto 2 | fileinto 3 | fileinto 4 | fileinto 5
require ["imap4flags", "variables", "fileinto", "relational"];
setflag "MyVar" "NonJunk Junk gnus-forward $Forwarded NotJunk JunkRecorded $Junk $NotJunk";
if hasflag :contains "MyVar" "Junk" { fileinto "1"; }
if hasflag :contains "MyVar" "forward" { fileinto "2"; }
if hasflag :contains "MyVar" ["label", "forward"] { fileinto "3"; }
if hasflag :contains "MyVar" ["junk", "forward"] { fileinto "4"; }
if hasflag :contains "MyVar" "label" { fileinto "no"; }
if hasflag :contains "MyVar" ["label1", "label2"] { fileinto "no"; }
setflag "MyFlags" "A B";
if hasflag :count "ge" "MyFlags" "2" { fileinto "5"; }
if hasflag :count "ge" "MyFlags" "3" { fileinto "no"; }
