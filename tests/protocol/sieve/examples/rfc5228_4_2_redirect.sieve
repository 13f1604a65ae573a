# RFC 5228 §4.2
#= a: redirect bart@example.com
redirect "bart@example.com";
