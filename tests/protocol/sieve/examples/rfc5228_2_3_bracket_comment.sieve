# RFC 5228 §2.3
#= a: discard
if size :over 100 { /* this is a comment
   this is still a comment */ discard /* this is a comment
   */ ;
}
