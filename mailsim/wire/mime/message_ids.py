"""Message identifiers in Message-ID, In-Reply-To and References (RFC 5322 §3.6.4)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mailsim.wire.mime.lexer import MORE, Lexer

_BEGIN = re.compile(rb'<([^>"(]*+)([>"(]?)')


def message_ids(field: bytes) -> Iterator[bytes]:
    """Each identifier, without its angle brackets and the space in it; what is none is passed over.

    msg-id = [CFWS] "<" id-left "@" id-right ">" [CFWS]
    """
    at = 0
    while match := _BEGIN.search(field, at):
        if match[2] == b">":
            at = match.end()
            if b"@" in match[1]:
                yield match[1].translate(None, b" \t\r\n")
        elif match[2]:
            at = match.start() + 1
            lexer = Lexer(field)
            lexer.pos = at
            if found := _quoted_id(lexer):
                yield found
                at = lexer.pos
        else:
            return


def _quoted_id(lexer: Lexer) -> bytes | None:
    """id-left "@" id-right ">" with a quoted string or comments in it, or None."""
    if lexer.skip() != MORE:
        return None
    status = lexer.quoted() if lexer.at(b'"') else lexer.dot_atom()
    if status != MORE or not lexer.at(b"@"):
        return None
    lexer.out += b"@"
    lexer.pos += 1
    lexer.skip()
    if lexer.dot_atom() != MORE or not lexer.at(b">"):
        return None
    lexer.pos += 1
    return lexer.take()
