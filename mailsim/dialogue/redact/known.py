"""Which bytes give a secret away, and where they may stand all the same."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

SHORTEST: Final = 3
"""A secret of fewer characters is masked in its own place alone: it would be found everywhere."""

# What of a base64 token is sure, when the secret in it begins 0, 1 or 2 octets after a group's
# first: the octets before it change the first 0, 2 or 3 characters.
_UNSURE: Final = (0, 2, 3)
_SHORTEST_CORE: Final = 5

_NAME = re.compile(rb"[A-Za-z0-9_+-][A-Za-z0-9._+-]*(?:@[A-Za-z0-9-][A-Za-z0-9.-]*)?")
_DOMAIN_END = re.compile(rb"\.[a-z][a-z0-9-]*\Z")
_NAME_CHARACTERS: Final = frozenset(
    b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_+@"
)
_LONGEST_NAME: Final = 320
_MOST_NAMES: Final = 10_000

_PLAIN = re.compile(rb"[^\0]*\0[^\0]+\0([^\0]+)")
_BEARER = re.compile(rb"bearer +([^\x01]+)", re.IGNORECASE)
_DIGEST = re.compile(rb"\S+ ([0-9a-f]{32})")
_PROOF = re.compile(rb"(?:^|,)p=([A-Za-z0-9+/]{8,}=*)")
_TOKEN = re.compile(rb"[A-Za-z0-9+/]{8,}={0,2}")
# Mechanisms whose messages hold names, nonces and channel bindings, which anybody may know.
_PUBLIC = re.compile(r"SCRAM-|EXTERNAL$|ANONYMOUS$|GS2-|GSSAPI$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Known:
    """A secret, and the names with it in them that stood in the dialogue before it was sent."""

    value: bytes
    names: frozenset[bytes] = frozenset()


class Names:
    """The domain names and addresses that have stood in the dialogue so far."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()

    def add(self, text: bytes) -> None:
        """Note every name in `text`."""
        if len(self._seen) < _MOST_NAMES:
            found = (one.lower().rstrip(b".-") for one in _NAME.findall(text[:4096]))
            self._seen.update(x for x in found if len(x) <= _LONGEST_NAME and _DOMAIN_END.search(x))

    def around(self, value: bytes) -> frozenset[bytes]:
        """The names of which `value` is a part, and such parent domains of at least two labels."""
        wanted = value.lower()
        holding = (one for one in self._seen if wanted in one)
        names = (name for one in holding for name in _parents(one))
        return frozenset(name for name in names if wanted in name and wanted != name)


def _parents(name: bytes) -> Iterator[bytes]:
    yield name
    domain = name.rpartition(b"@")[2]
    while b"." in domain:
        yield domain
        domain = domain.partition(b".")[2]


def learn(mechanism: str, token: bytes, *, is_name: bool = False) -> Iterator[bytes]:
    """The secrets in one client message of SASL, as it travels (base64, or what was typed).

    `is_name` says that it is LOGIN's user name, which is none.
    """
    decoded = decode(token)
    message = token if decoded is None else decoded
    specific = tuple(_inside(message))
    yield from specific
    if specific or not is_name:
        yield token
    if not (specific or is_name or _PUBLIC.match(mechanism)):
        yield message


def _inside(message: bytes) -> Iterator[bytes]:
    if found := _PLAIN.fullmatch(message):
        yield from (message, found.group(1))
    for pattern in (_BEARER, _PROOF):
        yield from pattern.findall(message)
    if found := _DIGEST.fullmatch(message):
        yield found.group(1)


def decode(token: bytes) -> bytes | None:
    """What base64 stands for, with or without its padding; None if it is none."""
    bare = token.rstrip(b"=")
    try:
        return b64decode(bare + b"=" * (-len(bare) % 4), validate=True)
    except ValueError:
        return None


def plain_tokens(line: bytes) -> Iterator[tuple[int, int]]:
    """Where in `line` a PLAIN token stands, whatever the command, a mistyped one too."""
    for found in _TOKEN.finditer(line):
        if _PLAIN.fullmatch(decode(found.group()) or b""):
            yield found.span()


def searched(values: Iterable[bytes]) -> re.Pattern[bytes] | None:
    """A pattern that finds every form of the values, the longest first; None if there is none."""
    forms = {form for value in values for form in _forms(value)}
    if not forms:
        return None
    ordered = sorted(forms, key=lambda form: (-len(form), form))
    return re.compile(b"|".join(re.escape(form) for form in ordered))


def _forms(value: bytes) -> Iterator[bytes]:
    if len(value.decode("utf-8", "replace")) < SHORTEST:
        return
    yield value
    yield value.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    yield b64encode(value)
    for shift, unsure in enumerate(_UNSURE):
        sure = (shift + len(value)) * 8 // 6
        core = b64encode(bytes(shift) + value)[unsure:sure]
        if len(core) >= _SHORTEST_CORE:
            yield core


def stands_in_name(text: bytes, start: int, end: int, names: frozenset[bytes]) -> bool:
    """Whether text[start:end] is part of one of the names, which stands there whole."""
    left, right = start, end
    while left > 0 and text[left - 1] in _NAME_CHARACTERS and start - left < _LONGEST_NAME:
        left -= 1
    while right < len(text) and text[right] in _NAME_CHARACTERS and right - end < _LONGEST_NAME:
        right += 1
    token = text[left:right].lower()
    stop = len(token.rstrip(b".-"))
    # A name begins where the token does, or after "." or "@" in it.
    begins = [0, *(at + 1 for at in range(start - left) if token[at] in b".@")]
    return stop >= end - left and any(token[at:stop] in names for at in begins)
