# RFC 5228 §4.4
#= a: implicit keep
if header :contains ["from"] ["idiot@example.com"] {
   discard;
}
