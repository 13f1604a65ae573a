# RFC 5230 §4.8
#= a: vacation 1987200 I'm away until October 19. | implicit keep
require "vacation";
vacation :days 23 :addresses ["tjs@example.edu",
                              "ts4z@landru.example.edu"]
"I'm away until October 19.
If it's an emergency, call 911, I guess." ;
