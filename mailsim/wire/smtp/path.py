"""Reverse-path and forward-path: the addresses of the envelope."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mailsim.errors import UsageError

# RFC 5321 §4.1.2; RFC 6531 §3.3 widens atext, qtext and sub-domain by UTF-8 (non-ASCII).
# The sets say what is not in them: with \u0080-\U0010ffff each would take 20 ms to compile.
_ATEXT = r"[^\x00-\x20\x22(),.:;<>@\[\\\]\x7f]"  # A-Z a-z 0-9 !#$%&'*+-/=?^_`{|}~
_DOT_STRING = rf"{_ATEXT}+(?:\.{_ATEXT}+)*"
_QUOTED = r'"(?:[^\x00-\x1f"\\\x7f]|\\[ -~])*"'
_LETTER_DIGIT = r"[^\x00-/:-@\[-`{-\x7f]"
_LETTER_DIGIT_HYPHEN = r"[^\x00-,./:-@\[-`{-\x7f]"
_LABEL = rf"{_LETTER_DIGIT}(?:{_LETTER_DIGIT_HYPHEN}*{_LETTER_DIGIT})?"
_DOMAIN = rf"{_LABEL}(?:\.{_LABEL})*"
_LITERAL = r"\[(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[A-Za-z0-9\-]+:[!-Z^-~]+)\]"
_MAILBOX = rf"(?:{_DOT_STRING}|{_QUOTED})@(?:{_DOMAIN}|{_LITERAL})"

DOMAIN = re.compile(rf"(?:{_DOMAIN}|{_LITERAL})")
_ADDRESS = re.compile(rf"{_MAILBOX}|[Pp][Oo][Ss][Tt][Mm][Aa][Ss][Tt][Ee][Rr]")
_PATH = re.compile(rf"<(?:(?P<route>@{_DOMAIN}(?:,@{_DOMAIN})*):)?(?P<address>{_MAILBOX}|[^<>]*)>")


@dataclass(frozen=True, slots=True)
class Path:
    """An envelope address; "" is the null reverse-path `<>` of bounces.

        Path    = "<" [ A-d-l ":" ] Mailbox ">"          ; RFC 5321 §4.1.2
        Mailbox = Local-part "@" ( Domain / address-literal )

    `route` is a source route as it was written; it is accepted and ignored
    (RFC 5321 Appendix C).  "postmaster" alone is allowed (RFC 5321 §4.5.1).
    Raises UsageError for an address that the grammar does not have.
    """

    address: str
    route: str = ""

    def __post_init__(self) -> None:
        if self.address and not _ADDRESS.fullmatch(self.address):
            raise UsageError("smtp.bad-address", address=self.address)

    @classmethod
    def of(cls, address: str | Path) -> Path:
        """`address` as a Path; brackets around it are taken off."""
        if isinstance(address, Path):
            return address
        if not isinstance(address, str):
            raise UsageError("smtp.bad-address", address=address)
        return cls(address[1:-1] if address[:1] == "<" and address[-1:] == ">" else address)

    @property
    def local_part(self) -> str:
        """What stands before the last @, quotes included; all of it where there is none."""
        return self.address.rpartition("@")[0] or self.address

    @property
    def domain(self) -> str:
        """What stands after the last @, or ""."""
        return self.address.rpartition("@")[2] if "@" in self.address else ""

    def __str__(self) -> str:
        return f"<{self.route}:{self.address}>" if self.route else f"<{self.address}>"


def split_path(text: str) -> tuple[str, str, str] | None:
    """Cut `<path> rest` into route, address and rest; None if it does not begin so.

    A `>` inside a quoted local part does not end the path.
    """
    found = _PATH.match(text)
    if not found:
        return None
    return found["route"] or "", found["address"], text[found.end() :]
