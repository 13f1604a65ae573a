"""Addresses that a script names: one mailbox each (RFC 5228 §2.4.2.3)."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from mailsim.protocol.sieve.complaint import Term, shown

_ATEXT: Final = rb"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]"
# local-part = dot-atom / quoted-string; Dovecot's parser takes dots anywhere in it.
_LOCAL = re.compile(rb"(?:(?:" + _ATEXT + rb'|\.)+|"(?:[^"\\\r\n]|\\.)*")')
# RFC 5322 §3.4.1: a dot-atom or a domain-literal.
_DOMAIN = re.compile(rb"(?:" + _ATEXT + rb"+(?:\." + _ATEXT + rb"+)*|\[[\x21-\x5a\x5e-\x7e]*\])")
_DOT_ATOM = re.compile(_ATEXT + rb"+(?:\." + _ATEXT + rb"+)*")
_SPACE = re.compile(rb"[ \t\r\n]*")
# display-name = phrase
_PHRASE = re.compile(
    rb"(?:[ \t]*(?:(?:" + _ATEXT + rb'|[.\x80-\xff])+|"(?:[^"\\\r\n]|\\.)*"))*[ \t]*'
)


class Address(NamedTuple):
    """A mailbox's address: local part as it is meant, domain in lower case."""

    local: bytes
    domain: bytes

    def __bytes__(self) -> bytes:
        local = self.local
        if not _DOT_ATOM.fullmatch(local):
            local = b'"' + re.sub(rb'(["\\])', rb"\\\1", local) + b'"'
        return local + b"@" + self.domain


class AddressError(Exception):
    """No address; `reason` says why, in Pigeonhole's words too."""

    def __init__(self, message_id: str, pigeonhole: str, **params: str) -> None:
        super().__init__(message_id)
        self.reason = Term(message_id, pigeonhole, tuple(params.items()))


def parse_address(text: bytes) -> Address:
    """mailbox = [phrase] "<" addr-spec ">" / addr-spec.  Raises AddressError."""
    text = text.strip(b" \t\r\n")
    if not text:
        raise AddressError("sieve.address-empty", "empty address")
    if b"<" not in text or (text.startswith(b'"') and b'"<' in text and not text.endswith(b">")):
        return _spec(text)
    phrase = _PHRASE.match(text)
    start = phrase.end() if phrase else 0
    if text[start : start + 1] != b"<":
        return _spec(text)
    if not text.endswith(b">"):
        raise AddressError("sieve.address-unclosed", "missing '>'")
    return _spec(text[start + 1 : -1].strip())


def _spec(text: bytes) -> Address:
    """addr-spec = local-part "@" domain"""
    local = _LOCAL.match(text)
    if local is None:
        raise AddressError("sieve.address-local", "invalid local part")
    at = _after_space(text, local.end())
    if text[at : at + 1] != b"@":
        raise AddressError(
            "sieve.address-lonely",
            "invalid or lonely local part '{local}' (expecting '@')",
            local=shown(local[0]),
        )
    domain = _DOMAIN.match(text, _after_space(text, at + 1))
    if domain is None:
        raise AddressError("sieve.address-domain", "invalid or missing domain")
    if _after_space(text, domain.end()) != len(text):
        raise AddressError("sieve.address-rest", "address ends with invalid characters")
    return Address(_unquoted(local[0]), domain[0].lower())


def _after_space(text: bytes, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _unquoted(local: bytes) -> bytes:
    if not local.startswith(b'"'):
        return local
    return re.sub(rb"\\(.)", rb"\1", local[1:-1], flags=re.DOTALL)


def same_address(left: bytes, right: bytes) -> bool:
    """Whether two addresses are one, whatever their case; a null path is none."""
    return bool(left) and left.lower() == right.lower()
