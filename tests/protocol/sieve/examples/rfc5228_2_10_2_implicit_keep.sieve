# RFC 5228 §2.10.2
#= a: implicit keep
if exists "X-Nothing" { discard; }
