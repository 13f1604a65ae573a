# RFC 5228 §2.3
#= a: implicit keep
if size :over 100k { # this is a comment
   discard;
}
