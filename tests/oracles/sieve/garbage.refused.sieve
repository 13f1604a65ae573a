require "fileinto";
# x
if header :is :contains :matches "x" ["a",] { fileinto "x" }
@@ keep;