"""POSIX extended regular expressions on octets, in time bounded by length times size.

No backtracking: an expression is an automaton whose states are followed all at once, so that no
script can make the server think for years.  What POSIX and the C library's regcomp() take is
taken, back references excepted: with them no such bound is known.
"""

from mailsim.protocol.sieve.regex.automaton import MAX_SIZE, Regex, compile_regex
from mailsim.protocol.sieve.regex.expression import RegexError

__all__ = ["MAX_SIZE", "Regex", "RegexError", "compile_regex"]
