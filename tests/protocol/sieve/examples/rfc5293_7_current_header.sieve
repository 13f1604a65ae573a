# RFC 5293 §7
#= a: fileinto two | fileinto international
require ["editheader", "fileinto", "index"];
addheader "X-Hello" "three";
addheader "X-Hello" "two";
addheader "X-Hello" "one";
deleteheader :index 1 "X-Hello";
deleteheader :index 2 "X-Hello";
if header :is "X-Hello" "one" { fileinto "one"; }
if header :is "X-Hello" "two" { fileinto "two"; }
if header :is "X-Hello" "three" { fileinto "three"; }
addheader "X-Greeting" "World";
if header :contains "X-Greeting" "World" { fileinto "international"; }
