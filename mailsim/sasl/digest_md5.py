"""DIGEST-MD5, named for `decode` alone: RFC 6331 moved it to Historic."""

from __future__ import annotations

import re

from mailsim.sasl.mechanism import malformed, utf8
from mailsim.sasl.message import Message, Part

_DIRECTIVE = re.compile(r'\s*([A-Za-z-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))\s*(?:,|$)')
_GRAMMAR = '1#( token "=" ( token / quoted-string ) )'


def challenge(data: bytes) -> Message:
    """The server's directives, `nonce` and `algorithm` among them.  Raises RemoteProtocolError."""
    parts = _directives(data, {"nonce", "algorithm"})
    return Message(data, parts, "sasl.message.digest-challenge", "sasl.leak.challenge")


def response(data: bytes) -> Message:
    """The client's directives, `response` and `cnonce` among them.  Raises RemoteProtocolError."""
    parts = _directives(data, {"response", "cnonce"})
    return Message(data, parts, "sasl.message.digest-response", "sasl.leak.keyed-hash")


def _directives(data: bytes, wanted: set[str]) -> tuple[Part, ...]:
    text = utf8(data, "DIGEST-MD5")
    found: list[Part] = []
    at = 0
    while at < len(text) and (one := _DIRECTIVE.match(text, at)):
        value = one[3] if one[2] is None else one[2]
        found.append(Part(one[1].lower(), value.encode(), note_id="sasl.part.directive"))
        at = one.end()
    if at < len(text) or not wanted <= {one.name for one in found}:
        raise malformed("DIGEST-MD5", _GRAMMAR)
    return tuple(found)
