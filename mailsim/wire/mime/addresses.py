"""Address lists (RFC 5322 §3.4), with what Dovecot makes of broken ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mailsim.wire.mime.lexer import ATEXT, BROKEN, END, MORE, Lexer, is_atext, no_nul

MISSING_MAILBOX = b"MISSING_MAILBOX"
MISSING_DOMAIN = b"MISSING_DOMAIN"
SYNTAX_ERROR = b"SYNTAX_ERROR"
INVALID_ROUTE = b"INVALID_ROUTE"
_ESCAPED = re.compile(rb"[\\\"']")


@dataclass(slots=True)
class Mailbox:
    """One address of a list; or a group's beginning (`mailbox` its name) or its end, both without a domain.

    Octets as the field has them, quoting undone: `name` may hold encoded words.  `broken`: the
    list was malformed here, and what it lacked is filled with MISSING_MAILBOX and the like.
    """

    name: bytes | None = None
    route: bytes | None = None
    mailbox: bytes | None = None
    domain: bytes | None = None
    broken: bool = False

    @property
    def email(self) -> str | None:
        """`mailbox@domain`, or None for a group's beginning or end, or a broken address."""
        if self.domain is None or self.mailbox is None or self.broken:
            return None
        return f"{self.mailbox.decode('utf-8', 'replace')}@{self.domain.decode('utf-8', 'replace')}"


def parse_addresses(field: bytes, most: int | None = None) -> list[Mailbox]:
    """The addresses of an address field's body, groups marked by their beginning and end.

    With `most`, no more are read than make that number.
    """
    return list(iter_addresses(field, most))


def iter_addresses(field: bytes, most: int | None = None) -> Iterator[Mailbox]:
    """The same, one at a time: a field may have hundreds of thousands."""
    at, end, count = 0, len(field), 0
    reader = _Reader(field)
    while at < end and (most is None or count < most):
        # Ordinary ones cost a tenth of what the grammar does.
        if match := _SIMPLE.match(field, at):
            quoted, words, local, domain, bare, bare_domain = match.groups()
            yield Mailbox(quoted or words, None, local or bare, domain or bare_domain)
            count += 1
            at = match.end()
        elif match := _EMPTY_GROUP.match(field, at):
            yield Mailbox(mailbox=match[1])
            yield Mailbox()
            count += 2
            at = match.end()
        else:
            goes_on = reader.read(at)
            yield from reader.found
            count += len(reader.found)
            reader.found.clear()
            if not goes_on:
                return
            at = reader.pos


# One mailbox of an ordinary list, with the comma behind it.
_SIMPLE = re.compile(
    rb'[ \t\n]*+(?:(?:"([^"\\\r\n\0]++)"|([%(a)b]++(?: [%(a)b.]++)*+)|)[ \t]*+'
    rb"<([%(a)b.]++)@([%(a)b]++(?:\.[%(a)b]++)*+)>|([%(a)b.]++)@([%(a)b]++(?:\.[%(a)b]++)*+))"
    rb"[ \t]*+(?:,|\Z)" % {b"a": ATEXT}
)


_EMPTY_GROUP = re.compile(
    rb"[ \t\n]*+([%(a)b]++(?: [%(a)b.]++)*+)[ \t]*+:[ \t]*+;[ \t]*+(?:,|\Z)" % {b"a": ATEXT}
)


def written(addresses: Iterable[Mailbox]) -> bytes:
    """The addresses as one list: `name <mailbox@domain>` each, quoted where it must be."""
    text = bytearray()
    inside = False
    for one in addresses:
        if one.domain is None and inside:
            inside = False
            if text.endswith(b" "):
                del text[-1:]
            text += b";"
            continue
        if text and not text.endswith(b": "):
            text += b", "
        if one.domain is None:
            inside = True
            text += _quoted(one.mailbox or b"", b"") + b": "
        else:
            text += _written(one)
    return bytes(text)


def _written(one: Mailbox) -> bytes:
    route = one.route + b":" if one.route is not None else b""
    mailbox = _quoted(one.mailbox or b"", b".")
    domain = b"@" + one.domain if one.domain else b""
    name = _quoted(one.name, b"") + b" " if one.name is not None else b""
    return b"%b<%b%b%b>" % (name, route, mailbox, domain)


def _quoted(word: bytes, also: bytes) -> bytes:
    """`word`, quoted if it holds anything but atext and `also`; never if encoded words are in it."""
    if word and (is_atext(word, also) or b"=?" in word):
        return word
    return b'"%b"' % _ESCAPED.sub(rb"\\\g<0>", word)


class _Reader(Lexer):
    """address-list = (address *("," address)) / obs-addr-list"""

    __slots__ = ("address", "found")

    def __init__(self, field: bytes) -> None:
        super().__init__(field)
        self.found: list[Mailbox] = []
        self.address = Mailbox()

    def read(self, start: int) -> bool:
        """What is found up to the next comma; whether there is one, and more may come behind it."""
        self.pos = start
        status = self.skip()
        if status == BROKEN and start:
            self._add_filled()
        if status != MORE or self._address() == END or not self.at(b","):
            return False
        self.pos += 1
        return True

    def _address(self) -> int:
        """address = mailbox / group"""
        start = self.pos
        status = self._group()
        if status == BROKEN:
            self.pos = start
            status = self._mailbox()
        return status

    def _group(self) -> int:
        """group = display-name ":" [group-list] ";" [CFWS]"""
        self.out.clear()
        if self.phrase() != MORE or not self.at(b":"):
            return BROKEN
        self.pos += 1
        status = self.skip()
        self.address.broken = status != MORE
        self.address.mailbox = self.take()
        self._add()
        if status == MORE and not self.at(b";"):
            status = self._members()
        if status != BROKEN:
            status = BROKEN
            if self.at(b";"):
                self.pos += 1
                status = self.skip()
        self.address.broken = status == BROKEN
        self._add()
        # What follows a broken group is read on.
        return END if status == END else MORE

    def _members(self) -> int:
        while True:
            self._mailbox()
            if not self.at(b","):
                return MORE
            self.pos += 1
            if self.skip() != MORE:
                return BROKEN

    def _mailbox(self) -> int:
        """mailbox = name-addr / addr-spec"""
        start = self.pos
        status = self._name_addr()
        address = self.address
        if status == BROKEN:
            self.pos = start
            status = self._addr_spec()
            if (
                address.broken
                and address.name is None
                and address.mailbox is not None
                and address.domain is None
            ):
                address.name, address.mailbox = address.mailbox, None
        address.broken = address.broken or status == BROKEN
        self._add_filled()
        return status

    def _name_addr(self) -> int:
        """name-addr = [display-name] angle-addr"""
        self.out.clear()
        if self.phrase() != MORE or not self.at(b"<"):
            return BROKEN
        self.address.name = self.take() or None
        if self._angle_addr() == BROKEN:
            self.address.domain = SYNTAX_ERROR
            self.address.broken = True
        return self.more()

    def _angle_addr(self) -> int:
        """angle-addr = "<" [obs-route] addr-spec ">" """
        self.pos += 1
        if self.skip() != MORE:
            return BROKEN
        if self.at(b"@"):
            if self._route() == MORE and self.at(b":"):
                self.pos += 1
            else:
                self.address.route = INVALID_ROUTE
                if self.pos >= self.end:
                    return BROKEN
            if self.skip() != MORE:
                return BROKEN
        if not self.at(b">"):
            if self._local_part() != MORE:
                return BROKEN
            if self.at(b"@") and self._domain() != MORE:
                return BROKEN
        if not self.at(b">"):
            return BROKEN
        self.pos += 1
        return self.skip()

    def _route(self) -> int:
        """obs-domain-list = *(CFWS / ",") "@" domain *("," [CFWS] ["@" domain])"""
        self.out.clear()
        while self.at(b"@"):
            self.out += b",@" if self.out else b"@"
            status = self.domain()
            if status != MORE:
                return status
            while self.skip() == MORE and self.at(b","):
                self.pos += 1
        if self.pos >= self.end:
            return END
        self.address.route = self.take()
        return MORE

    def _addr_spec(self) -> int:
        """addr-spec = local-part "@" domain; a comment behind it is a name, as it once was"""
        self.comment = b""
        address = self.address
        quoted, domain = self.at(b'"'), False
        status = self._local_part()
        address.broken = address.broken or status != MORE
        if status != END and self.at(b"@"):
            domain = True
            found = self._domain()
            status = status if found == MORE else found
        if self.comment:
            address.name = no_nul(self.comment)
        elif not domain:
            # One word alone is a mailbox; several are a name whose address is missing.
            self._bare_words(quoted=quoted)
            status = BROKEN
        return status

    def _bare_words(self, *, quoted: bool) -> None:
        address = self.address
        if address.mailbox is not None:
            self.out[:] = address.mailbox
        self.out += b" "
        words = len(self.out)
        self.phrase()
        if len(self.out) != words:
            address.mailbox = None
            address.name = self.take()
        elif not quoted:
            address.domain = b""
        address.broken = True

    def _local_part(self) -> int:
        """local-part = dot-atom / quoted-string / obs-local-part"""
        self.out.clear()
        status = self.quoted() if self.at(b'"') else self.dots_atom()
        if status != BROKEN:
            self.address.mailbox = self.take()
        return status

    def _domain(self) -> int:
        self.out.clear()
        status = self.domain()
        if status != BROKEN:
            self.address.domain = self.take()
        return status

    def _add_filled(self) -> None:
        if self.address.mailbox is None:
            self.address.mailbox = MISSING_MAILBOX
            self.address.broken = True
        if not self.address.domain:
            self.address.domain = MISSING_DOMAIN
            self.address.broken = True
        self._add()

    def _add(self) -> None:
        self.found.append(self.address)
        self.address = Mailbox()
