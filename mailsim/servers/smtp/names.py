"""Names and addresses of hosts, as Postfix judges them."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

from mailsim.servers.log import printable
from mailsim.servers.networks import valid_ipv4

_LABEL_LENGTH = 63
_NAME_LENGTH = 255
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?")
_OTHER = r"\x00-,./:-@\[-^`{-\x7f"  # what is neither letter, digit, "_", "-" nor beyond ASCII
_UTF8_LABEL = re.compile(rf"[^-{_OTHER}](?:[^{_OTHER}]*[^-{_OTHER}])?")
_XTEXT = re.compile(r"[^+]|\+[0-9A-Fa-f]{2}")
_HEX = re.compile(r"\+([0-9A-Fa-f]{2})")
_NEUTER = str.maketrans(dict.fromkeys(' <>()\\";@', "?"))


@lru_cache(maxsize=1024)  # the same few names are judged again and again
def valid_hostname(name: str, *, utf8: bool = False) -> bool:
    """Labels of letters, digits, hyphens and underscores; not digits and dots alone."""
    if not name or len(name) > _NAME_LENGTH or not name.strip("0123456789."):
        return False
    label = _UTF8_LABEL if utf8 else _LABEL
    return all(label.fullmatch(one) and len(one) <= _LABEL_LENGTH for one in name.split("."))


def valid_ipv6(text: str) -> bool:
    """ "IPv6:" and an address   ; RFC 5321 §4.1.3"""
    tag, _, address = text.partition(":")
    try:
        return tag.lower() == "ipv6" and bool(ipaddress.IPv6Address(address))
    except ValueError:
        return False


def valid_literal(text: str) -> bool:
    """ "[192.168.10.1]" or "[IPv6:::1]"   ; RFC 5321 §4.1.3"""
    inside = text[1:-1] if text[:1] == "[" and text[-1:] == "]" else ""
    return valid_ipv4(inside) or valid_ipv6(inside)


def without_dot(name: str) -> str:
    """The name without its final dot, unless there are two."""
    return name[:-1] if len(name) > 1 and name[-1] == "." and name[-2] != "." else name


def neutered(text: str) -> str:
    """`?` for what would break a header field."""
    return printable(text).translate(_NEUTER)


def xtext(text: str) -> str | None:
    """What xtext hides (RFC 3461 §4), or None if it is none."""
    if "+" not in text:
        return text
    if not all(_XTEXT.fullmatch(one) for one in re.findall(r"\+..|.|\+", text)):
        return None
    raw = _HEX.sub(lambda found: chr(int(found[1], 16)), text)
    try:
        return raw.encode("latin-1").decode()
    except (UnicodeEncodeError, UnicodeDecodeError):
        return raw
