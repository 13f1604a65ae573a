# RFC 5228 §5.5
#= a: implicit keep
#= relational: discard
if not exists ["From","Date"] {
   discard;
}
