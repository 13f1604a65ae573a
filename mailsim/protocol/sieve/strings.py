"""What stands in strings: ${hex: …} and ${unicode: …}, then ${variables}."""

from __future__ import annotations

import re
from typing import Final

from mailsim.protocol.sieve.complaint import Wrong, shown
from mailsim.protocol.sieve.limits import Limits
from mailsim.protocol.sieve.program import Template, Value, Variable
from mailsim.protocol.sieve.syntax import Text

# encoded-arb-octets = "${hex:" hex-pair-seq "}"; encoded-unicode-char = "${unicode:" … "}"
_BLANK: Final = rb"[ \t\r\n]"
_ENCODED = re.compile(
    rb"\$\{(?:(hex):(" + _BLANK + rb"*(?:[0-9A-F]{1,2}(?:" + _BLANK + rb"+|(?=\})))+)"
    rb"|(unicode):(" + _BLANK + rb"*(?:[0-9A-F]{1,10}(?:" + _BLANK + rb"+|(?=\})))+))\}",
    re.IGNORECASE,
)
# variable-ref = "${" *namespace variable-name "}"; namespace = identifier "." *sub-namespace
# sub-namespace = variable-name "."; variable-name = num-variable / identifier
_REFERENCE = re.compile(
    rb"\$\{((?:[A-Za-z_][A-Za-z0-9_]*\.(?:(?:[0-9]+|[A-Za-z_][A-Za-z0-9_]*)\.)*)?)"
    rb"([0-9]+|[A-Za-z_][A-Za-z0-9_]*)\}"
)
IDENTIFIER = re.compile(rb"[A-Za-z_][A-Za-z0-9_]*")
_NAME = re.compile(rb"((?:[A-Za-z_][A-Za-z0-9_]*\.)*)([A-Za-z_][A-Za-z0-9_]*|[0-9]+)")


def decode_encoded(text: Text) -> bytes:
    """The string with its encoded characters put in (RFC 5228 §2.4.2.4); what is none stays."""
    if b"${" not in text.value:
        return text.value

    def put(match: re.Match[bytes]) -> bytes:
        if match[1]:
            return bytes(int(one, 16) for one in match[2].split())
        return "".join(_character(one, text) for one in match[4].split()).encode()

    return _ENCODED.sub(put, text.value)


def _character(digits: bytes, text: Text) -> str:
    code = int(digits, 16)
    # RFC 5228 §2.4.2.4: beyond Unicode, or a surrogate, is an error of the script.
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        raise Wrong("sieve.no-character", text.place, code=f"0x{code:08x}")
    return chr(code)


def template(value: bytes, text: Text, namespaces: frozenset[str], limits: Limits) -> Value:
    """The string as octets, or as a template when it refers to variables (RFC 5229 §3)."""
    if b"${" not in value:
        return value
    parts: list[bytes | Variable] = []
    at = 0
    for match in _REFERENCE.finditer(value):
        if match.start() > at:
            parts.append(value[at : match.start()])
        parts.append(_reference(match, text, namespaces, limits))
        at = match.end()
    if not parts:
        return value
    if at < len(value):
        parts.append(value[at:])
    return Template(tuple(parts), value)


def _reference(
    match: re.Match[bytes], text: Text, namespaces: frozenset[str], limits: Limits
) -> Variable:
    namespace = match[1].decode("ascii").rstrip(".").lower()
    name = match[2].decode("ascii").lower()
    if namespace:
        _known(namespace, text, namespaces)
        if name.isdigit() or "." in namespace:
            raise Wrong("sieve.bad-global-name", text.place, name=shown(match[0]))
        return Variable(namespace, name)
    if not name.isdigit():
        return Variable("", name)
    # Leading zeros are allowed and ignored (RFC 5229 §3); digits by the thousand are no number.
    number = int(name[-9:]) if len(name.lstrip("0")) < 9 else limits.match_values + 1
    if number > limits.match_values:
        raise Wrong(
            "sieve.match-value-beyond", text.place, name=name[:20], most=limits.match_values
        )
    return Variable("", name, number)


def _known(namespace: str, text: Text, namespaces: frozenset[str]) -> None:
    first = namespace.partition(".")[0]
    if first not in namespaces:
        raise Wrong("sieve.unknown-namespace", text.place, name=first)


def variable_name(text: Text, value: bytes, namespaces: frozenset[str]) -> Variable:
    """The variable that a command names to assign to it."""
    match = _NAME.fullmatch(value)
    if match is None:
        raise Wrong("sieve.bad-variable", text.place, name=shown(value))
    namespace = match[1].decode("ascii").rstrip(".").lower()
    name = match[2].decode("ascii").lower()
    if namespace:
        _known(namespace, text, namespaces)
        if name.isdigit() or "." in namespace:
            raise Wrong("sieve.bad-global-name", text.place, name=shown(value))
    elif name.isdigit():
        raise Wrong("sieve.match-value-assigned", text.place)
    return Variable(namespace, name)
