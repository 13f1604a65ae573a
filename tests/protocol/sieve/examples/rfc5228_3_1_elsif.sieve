# RFC 5228 §3.1
#= a: redirect acm@example.com
#= b: redirect postmaster@example.com
#= list: redirect field@example.com
if header :contains ["From"] ["coyote"] {
   redirect "acm@example.com";
} elsif header :contains "Subject" "$$$" {
   redirect "postmaster@example.com";
} else {
   redirect "field@example.com";
}
