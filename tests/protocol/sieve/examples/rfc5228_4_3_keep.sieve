# RFC 5228 §4.3
#= a: keep
if size :under 1M { keep; } else { discard; }
