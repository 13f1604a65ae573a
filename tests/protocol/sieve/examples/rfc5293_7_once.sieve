# RFC 5293 §7
#= a: keep
require "editheader";
keep;
addheader "X-Flavor" "vanilla";
keep;
