# RFC 5228 §3.3
#= a: implicit keep
#= b: discard
if header :contains "from" "coyote" { stop; }
discard;
