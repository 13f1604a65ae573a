"""Strings as Dovecot writes them: which are quoted, which are literals."""

from __future__ import annotations

import re

_PLAIN = re.compile(rb'[^"\\\r\n\x80-\xff]*+')
_8BIT = re.compile(rb"[\r\n\x80-\xff]")
_SPECIAL = re.compile(rb'(["\\])')
_NO_LINE_END = re.compile(rb"[\r\n]+")
_MAX_SPECIALS = 4
# What a string for humans holds when nothing needs to be done to it.
_TIDY = re.compile(rb"(?:%(w)b++(?: %(w)b++)*+)?" % {b"w": rb'[^\0\t\n\r "\\\x80-\xff]'})
_SPACE = re.compile(rb"[ \t]+")


def literal(value: bytes) -> bytes:
    """`{n}` and the octets."""
    return b"{%d}\r\n%b" % (len(value), value)


def string(value: bytes) -> bytes:
    """A quoted string; or a literal where there are line ends, octets above 127 or many quotes."""
    if _PLAIN.fullmatch(value):
        return b'"%b"' % value
    if value.count(b'"') + value.count(b"\\") > _MAX_SPECIALS or _8BIT.search(value):
        return literal(value)
    return b'"%b"' % _SPECIAL.sub(rb"\\\1", value)


def nstring(value: bytes | None) -> bytes:
    """A string without the line ends of folding, or NIL."""
    if value is None:
        return b"NIL"
    return string(_NO_LINE_END.sub(b"", value) if b"\n" in value or b"\r" in value else value)


def human(value: bytes | None) -> bytes:
    """A subject or name: space packed, and a literal if anything in it was or is special."""
    if value is None:
        return b"NIL"
    if _TIDY.fullmatch(value):
        return b'"%b"' % value
    packed = _SPACE.sub(b" ", _NO_LINE_END.sub(b"", value)).strip(b" ")
    return literal(packed.replace(b"\0", b"\x80")) if packed else b'""'
