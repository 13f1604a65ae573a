"""Messages as they are built: header fields, addresses, encoded words, parts (RFC 5322, RFC 2045-2047).

Pure, and never in error: whatever octets come, a reading of them is given, the one that Dovecot
gives where a message is malformed, within bounds of depth and number.
"""

from mailsim.wire.mime.addresses import Mailbox, parse_addresses
from mailsim.wire.mime.parser import MAX_DEPTH, MAX_PARTS, outline, parse
from mailsim.wire.mime.part import Part
from mailsim.wire.mime.words import decode_words

__all__ = [
    "MAX_DEPTH",
    "MAX_PARTS",
    "Mailbox",
    "Part",
    "decode_words",
    "outline",
    "parse",
    "parse_addresses",
]
