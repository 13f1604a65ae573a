"""A header section as SEARCH, SORT and THREAD look at it: fields on one line, decoded, comparable."""

from __future__ import annotations

import re
from functools import cached_property, lru_cache
from typing import Final

from mailsim.servers.imap.casing import folded
from mailsim.wire.mime import decode_words
from mailsim.wire.mime.addresses import iter_addresses, written
from mailsim.wire.mime.dates import Moment, parse_date
from mailsim.wire.mime.fields import values_by_name
from mailsim.wire.mime.lexer import no_nul

_LINE_END = re.compile(rb"\n")
_SPACE = re.compile(rb"[ \t]+")
# The headers of a mailbox are looked through again and again; long ones are not kept.
_KEPT: Final = 2048
_LONGEST_KEPT: Final = 4096


class Header:
    """The fields of a header section; what is made of them is made once."""

    def __init__(self, header: bytes) -> None:
        self.fields = values_by_name(header, 0, len(header))
        """The values by name in lower case; lines without a colon under ""."""
        self._made: dict[tuple[str, bytes], tuple[str, ...]] = {}

    def raw(self, name: bytes) -> bytes | None:
        """The first field of this name, on one line."""
        values = self.fields.get(name)
        return no_nul(_one_line(values[0])) if values else None

    def values(self, name: bytes) -> tuple[str, ...]:
        """Each field of this name."""
        made = self._made.get(("values", name))
        if made is None:
            lines = map(_one_line, self.fields.get(name, ()))
            made = self._made["values", name] = tuple(folded(decode_words(one)) for one in lines)
        return made

    def addresses(self, name: bytes) -> tuple[str, ...]:
        """Each address field of this name, its addresses written the one proper way."""
        made = self._made.get(("addresses", name))
        if made is None:
            lines = map(_one_line, self.fields.get(name, ()))
            made = self._made["addresses", name] = tuple(
                folded(decode_words(written(iter_addresses(one)))) for one in lines
            )
        return made

    def packed(self, name: bytes) -> tuple[str, ...]:
        """Each field of this name, with single spaces."""
        made = self._made.get(("packed", name))
        if made is None:
            lines = map(_one_line, self.fields.get(name, ()))
            made = self._made["packed", name] = tuple(
                folded(decode_words(_SPACE.sub(b" ", one).lstrip(b" "))) for one in lines
            )
        return made

    @cached_property
    def sent(self) -> Moment:
        """The Date field's moment, 0 where it names none; in 32 bits, as Dovecot keeps it."""
        value = self.raw(b"date")
        moment = parse_date(value) if value else None
        return Moment(moment.seconds & 0xFFFFFFFF, moment.zone) if moment else Moment(0, 0)


def read_header(header: bytes) -> Header:
    """The header section; one that was read lately is not read again."""
    return _known(header) if len(header) <= _LONGEST_KEPT else Header(header)


_known = lru_cache(maxsize=_KEPT)(Header)


def _one_line(value: bytes) -> bytes:
    """A field's value unfolded, what was folded behind one space."""
    return _LINE_END.sub(b"", value.replace(b"\n\t", b"\n ")) if b"\n" in value else value
