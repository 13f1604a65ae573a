"""A captured line: which token stands in it, and what the words before it tell."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from mailsim.errors import UsageError
from mailsim.sasl.message import Side

CANCEL = "*"
EMPTY = "="

_LABEL = re.compile(r"\s*([CS]):\s*")
_MECHANISM = r"(?P<mechanism>[A-Z0-9_-]{1,20})"
_AUTH = re.compile(
    rf'(?:\S+\s+)?AUTH(?:ENTICATE)?\s+"?{_MECHANISM}"?(?:\s+(?P<token>.*))?',
    re.IGNORECASE | re.DOTALL,
)
_CONTINUATION = re.compile(r"(?:334(?:[ -]|$)|\+(?:\s|$))(?P<token>.*)", re.DOTALL)
_QUOTED = re.compile(r'"(.*)"', re.DOTALL)
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")


@dataclass(frozen=True, slots=True)
class Captured:
    """`token` without white space, None when the line has none; `mechanism` and `side` if told."""

    token: str | None
    mechanism: str = ""
    side: Side | None = None


def read_line(line: str) -> Captured:
    """Find the token in `line`:

    line = [("C:" / "S:")] ( auth / continuation / token )
    auth = [tag SP] ("AUTH" / "AUTHENTICATE") SP mechanism [SP token]
    continuation = ("334" / "+") SP token
    token = base64 / "=" / "*", between DQUOTEs perhaps, wrapped perhaps
    """
    side = None
    if label := _LABEL.match(line):
        side, line = Side(label[1]), line[label.end() :]
    line = line.strip()
    if auth := _AUTH.fullmatch(line):
        return Captured(_bare(auth["token"]), auth["mechanism"].upper(), Side.CLIENT)
    if continuation := _CONTINUATION.fullmatch(line):
        return Captured(_bare(continuation["token"]), "", Side.SERVER)
    return Captured(_bare(line), "", side)


def _bare(token: str | None) -> str | None:
    if token is None:
        return None
    joined = "".join(token.split())
    quoted = _QUOTED.fullmatch(joined)
    return quoted[1] if quoted else joined


def unbase64(token: str) -> bytes:
    """The bytes of a base64 token (RFC 4648 §4).  Raises UsageError for anything else."""
    if not _BASE64.fullmatch(token):
        raise UsageError("sasl.not-base64")
    try:
        return base64.b64decode(token, validate=True)
    except binascii.Error:
        raise UsageError("sasl.not-base64") from None
