"""Mail addresses out of the words of MAIL, RCPT and VRFY, as Postfix reads the grammar of RFC 822 §6.1."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from mailsim.servers.smtp.names import valid_hostname, valid_literal, without_dot

_PLAIN = re.compile(r"[^\s()<>,:;\\\"@\[\]]+@[^\s()<>,:;\\\"@\[\]]+")
_TOKEN = re.compile(
    r"(?P<comment>\((?:[^()\\]|\\.)*\)?)|\"(?P<quoted>(?:[^\"\\]|\\.)*)\"?"
    r"|\[(?P<literal>(?:[^\]\\]|\\.)*)\]?|(?P<special>[()\"<>@,;:.\[\]|%!])"
    r"|(?P<atom>(?:[^\s()\"<>@,;:.\[\]|%!\\]|\\.)+)|\\",
    re.DOTALL,
)
_DOT_ATOM = re.compile(r"[^\s()<>,:;\\\"@\[\].]+(?:\.[^\s()<>,:;\\\"@\[\].]+)*")
_WORDS = ("quoted", "literal", "atom")
_DEPTH = 100  # how often an address may route onward


Resolve = Callable[[str], tuple[str, str, bool]]


class BadAddressError(Exception):
    """A word that Postfix takes for no address."""


def extract(word: str, resolve: Resolve, *, empty: bool, strict: bool, utf8: bool) -> str:
    """The address in a word, in internal form: without brackets, route, quotation marks.

    `resolve` says where an address leads, as `resolve` below; `empty`: `<>` is allowed; `strict`: strict_rfc821_envelopes; `utf8`: SMTPUTF8 was asked for.
    Raises BadAddressError.
    """
    if strict and not word.startswith("<"):
        raise BadAddressError
    text = word[1:-1] if word.startswith("<") and word.endswith(">") else word
    if text.startswith("@") and ":" in text:
        text = text.partition(":")[2]  # a route is ignored (RFC 5321 Appendix C)
    found = text if _PLAIN.fullmatch(text) else _parsed(text, strict=strict)
    if (not found and not empty) or (strict and found.startswith("@")):
        raise BadAddressError
    if found and not _resolvable(found, resolve, utf8=utf8):
        raise BadAddressError
    return found


def external(address: str) -> str:
    """The address without a route, as it travels."""
    return quoted(_without_route(address))


def quoted(address: str) -> str:
    """The address with quotation marks where its local part needs them (RFC 5321 §4.1.2)."""
    bare = _without_route(address)
    local, at, domain = bare.rpartition("@")
    if not at:
        local, domain = bare, ""
    if not local or _DOT_ATOM.fullmatch(local):
        return address
    escaped = re.sub(r'(["\\])', r"\\\1", local)
    return f'{address.removesuffix(bare)}"{escaped}"{at}{domain}'


def resolve(address: str, is_local: Callable[[str], bool]) -> tuple[str, str, bool]:
    """Local part and domain of where an address leads, and whether it is routed there.

    While the domain is ours, what stands before it may be an address itself:
    user%ugb.sn@minfo.sn, ugb.sn!user, "user@ugb.sn"@minfo.sn.
    """
    text, ours = _without_route(address), ""
    first = text
    for _ in range(_DEPTH):
        local, at, domain = text.rpartition("@")
        if at and (not domain or not is_local(without_dot(domain))):
            return local, domain, text is not first
        if at:
            text, ours = _without_route(local), domain
        if "@" in text:
            continue
        if "!" in text:
            site, _, user = text.partition("!")
            text = f"{user}@{site}"
        elif "%" in text:
            user, _, site = text.rpartition("%")
            text = f"{user}@{site}"
        else:
            break
    return text, ours, False


def _without_route(address: str) -> str:
    """rewrite_tree's "strip source route": "@mx.ugb.sn:user@minfo.sn" is user@minfo.sn."""
    route, colon, rest = address.partition(":")
    return rest if colon and rest and route.startswith("@") else address


@dataclass(slots=True)
class _Parser:
    """tok822_parse: from right to left, groups what is an address, counts what is none."""

    tokens: list[tuple[str, str]]
    addresses: list[list[tuple[str, str]]] = field(default_factory=list)
    others: int = 0

    def group(self, left: int, right: int, *, comma: bool = False) -> None:
        """What stands between the two is an address, if anything does."""
        inside = [one for one in self.tokens[left + 1 : max(right, 0)] if one[0] != "comment"]
        if inside:
            self.addresses.append(inside)
            self.others += comma

    def run(self) -> None:
        """Parse all tokens."""
        at, right, word, grouped = len(self.tokens) - 1, len(self.tokens), True, False
        while at >= 0:
            kind, text = self.tokens[at]
            if kind == "comment":
                self.others += 1
            elif kind in _WORDS:
                if not word:
                    self.group(at, right, comma=True)
                    right = at + 1
                word = False
            else:
                word = True
                if text == ">":
                    at = right = self._bracketed(at, right)
                    continue
                if text == ":" and grouped:
                    at = right = self._named(at, right)
                    continue
                if text in ",;":
                    self.group(at, right, comma=text == ";")
                    self.others += 1
                    right = at
                    grouped = grouped or text == ";"
            at -= 1
        self.group(-1, right)

    def _named(self, colon: int, right: int) -> int:
        """What stands in a group behind its name, "staff: user@minfo.sn;"; where it all begins."""
        self.group(colon, right)
        return self._skipped(colon, [("special", ",")])

    def _skipped(self, at: int, ends: list[tuple[str, str]]) -> int:
        """A phrase's words are no addresses; where it begins."""
        while at >= 0 and self.tokens[at] not in ends:
            self.others += 1
            at -= 1
        return at

    def _bracketed(self, closing: int, right: int) -> int:
        """An address in brackets and the phrase before it; where it all begins."""
        self.group(closing, right, comma=True)
        opening = closing - 1
        while opening >= 0 and self.tokens[opening] != ("special", "<"):
            opening -= 1
        self.group(opening, closing)
        self.others += sum(kind == "comment" for kind, _ in self.tokens[opening + 1 : closing])
        return self._skipped(opening - 1, _ENDS)


_ENDS = [("special", one) for one in ">;,:"]


def _parsed(text: str, *, strict: bool) -> str:
    parser = _Parser([_token(found) for found in _TOKEN.finditer(text)])
    parser.run()
    if len(parser.addresses) > 1 or (strict and parser.others):
        raise BadAddressError
    return "".join(part for address in parser.addresses for _, part in address)


def _token(found: re.Match[str]) -> tuple[str, str]:
    kind = found.lastgroup or "atom"
    text = found[kind] if found.lastgroup else found[0]
    if kind not in _WORDS:
        return kind, text
    bare = re.sub(r"\\(.)", r"\1", text)
    return kind, f"[{bare}]" if kind == "literal" else bare


def _resolvable(address: str, resolve: Resolve, *, utf8: bool) -> bool:
    """Whether the domain, if there is one, can be one, and the one to which it is routed."""
    if address.startswith("-"):  # allow_min_user
        return False
    _, at, domain = address.rpartition("@")
    if at and not _domain(domain, utf8=utf8):
        return False
    _, onward, routed = resolve(address)
    return not routed or _domain(onward, utf8=utf8)


def _domain(domain: str, *, utf8: bool) -> bool:
    if domain.startswith("["):
        return valid_literal(domain)
    if not utf8 and not domain.isascii():
        return False
    return valid_hostname(without_dot(domain), utf8=True)
