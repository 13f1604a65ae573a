require ["fileinto ", "envelope"];
foo;
if header :contain "Subject" "x" { bar 3; stop 4; }
keep "x";
if true { fileinto "a"; } else if false { keep; }
