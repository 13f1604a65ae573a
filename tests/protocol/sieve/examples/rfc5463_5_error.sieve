# RFC 5463 §5
#= a: error | implicit keep
require ["ihave"];
discard;
if not ihave "nonesuch" { error "nonesuch is needed"; }
