"""The tests of the base on the message: exists, size, header, address, envelope (RFC 5228 §5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mailsim.protocol.sieve.addresses import Address, AddressError, parse_address
from mailsim.protocol.sieve.checker import Checker
from mailsim.protocol.sieve.commands.indexing import INDEX, check_index, chosen
from mailsim.protocol.sieve.commands.matching import MATCH, PARTS, check_match, matched
from mailsim.protocol.sieve.complaint import Wrong, shown
from mailsim.protocol.sieve.message import valid_field_name
from mailsim.protocol.sieve.program import Call
from mailsim.protocol.sieve.running import Run
from mailsim.protocol.sieve.spec import Option, Sort, Spec, Type
from mailsim.protocol.sieve.syntax import Argument, Node, Text, Texts
from mailsim.wire.mime import parse_addresses

# RFC 5228 §5.1 lets the address test be used on fields of addresses alone; these are what
# Pigeonhole takes for such.
_ADDRESS_FIELDS: Final = frozenset({
    b"from", b"to", b"cc", b"bcc", b"sender", b"resent-from", b"resent-to", b"reply-to",
    b"resent-reply-to", b"resent-sender", b"resent-cc", b"resent-bcc", b"for-approval",
    b"for-handling", b"for-comment", b"apparently-to", b"errors-to", b"delivered-to",
    b"return-receipt-to", b"x-admin", b"read-receipt-to", b"x-confirm-reading-to",
    b"return-receipt-requested", b"registered-mail-reply-requested-by", b"mail-followup-to",
    b"mail-reply-to", b"abuse-reports-to", b"x-complaints-to", b"x-report-abuse-to",
    b"x-beenthere", b"x-original-from", b"x-original-to",
})  # fmt: skip
_ENVELOPE_PARTS: Final = ("from", "to", "auth")


def constants(given: Argument, values: tuple[object, ...]) -> Iterator[tuple[bytes, Text]]:
    """The strings of an argument that hold no variables, each with its place."""
    items = given.items if isinstance(given, Texts) else (given,)
    for text, value in zip(items, values, strict=True):
        if isinstance(value, bytes) and isinstance(text, Text):
            yield value, text


def check_field_names(checker: Checker, given: Argument, values: tuple[object, ...]) -> None:
    """Warn of names that no field can have."""
    for name, text in constants(given, values):
        if name and not valid_field_name(name):
            checker.warn("sieve.odd-field-name", text.place, name=shown(name))
            return


def positional(node: Node, behind: int) -> Argument:
    """An argument of the node, counted from its end."""
    return node.arguments[-behind]


# --- exists, size


def _exists_check(checker: Checker, node: Node, call: Call) -> None:
    check_field_names(checker, positional(node, 1), call.args[0])


def _exists(run: Run, call: Call) -> bool:
    for name in run.texts(call.args[0]):
        found = bool(run.message.raw(name.lower()))
        run.note(call, "sieve.trace-exists", {"field": shown(name)}, result=found)
        if not found:
            return False
    return True


def _size_check(_checker: Checker, node: Node, call: Call) -> None:
    if "over" not in call.tags and "under" not in call.tags:
        raise Wrong("sieve.size-without", node.place)


def _size_once(_checker: Checker, call: Call, _tag: object, _value: object) -> None:
    if "over" in call.tags and "under" in call.tags:
        raise Wrong("sieve.size-with-both", call.place)


def _size(run: Run, call: Call) -> bool:
    # RFC 5228 §5.9: a message of exactly the size is neither over nor under it.
    size = run.message.size
    limit: int = call.args[0]
    over = "over" in call.tags
    found = size > limit if over else size < limit
    message_id = "sieve.trace-over" if over else "sieve.trace-under"
    run.note(call, message_id, {"size": size, "limit": limit}, result=found)
    return found


# --- header


def _header_check(checker: Checker, node: Node, call: Call) -> None:
    names, keys = positional(node, 2), positional(node, 1)
    check_field_names(checker, names, call.args[0])
    check_index(call)
    check_match(checker, call, keys, call.args[1])


def _header(run: Run, call: Call) -> bool:
    names, keys = call.args
    return matched(run, call, keys, _field_values(run, call, run.texts(names)))


def _field_values(run: Run, call: Call, names: list[bytes]) -> Iterator[bytes]:
    for name in names:
        values = chosen(call, run.message.texts(name.lower()))
        note_field(run, call, name, len(values))
        yield from values


def note_field(run: Run, call: Call, name: bytes, count: int) -> None:
    """Tell whether a field is there, and how many values it has."""
    if not run.tracing:
        return
    if count:
        run.note(call, "sieve.trace-field", {"field": shown(name), "count": count})
    else:
        run.note(call, "sieve.trace-no-field", {"field": shown(name)})


# --- address


def _address_check(checker: Checker, node: Node, call: Call) -> None:
    names, keys = positional(node, 2), positional(node, 1)
    check_field_names(checker, names, call.args[0])
    for name, text in constants(names, call.args[0]):
        if name.lower() not in _ADDRESS_FIELDS:
            raise Wrong("sieve.not-an-address-field", text.place, name=shown(name))
    check_index(call)
    check_match(checker, call, keys, call.args[1])


def _address(run: Run, call: Call) -> bool:
    names, keys = call.args
    return matched(run, call, keys, _address_values(run, call, run.texts(names)))


def _address_values(run: Run, call: Call, names: list[bytes]) -> Iterator[bytes]:
    counting = call.tags["match"] == "count"
    for name in names:
        # :index counts fields, whatever number of addresses each has (RFC 5260 §6).
        fields = chosen(call, run.message.raw(name.lower()))
        addresses = [one for raw in fields for one in _listed(raw)]
        note_field(run, call, name, len(addresses))
        for address in addresses:
            value = part_of(call, address)
            if value is not None or counting:
                yield value or b""


def _listed(raw: bytes) -> list[Address]:
    """The addresses of a field, a group's members among them (RFC 5228 §5.1).

    As in Pigeonhole a field without any valid one is compared as it is, when all of it is asked for.
    """
    found = [
        Address(one.mailbox, one.domain)
        for one in parse_addresses(raw)
        if one.mailbox and one.domain and not one.broken
    ]
    return found or [Address(b" ".join(raw.split()), b"")]


def part_of(call: Call, address: Address) -> bytes | None:
    """The part of an address that the test asks for; None if it has none (RFC 5233 §4)."""
    part = call.tags.get("part", "all")
    local, domain = address
    if not domain:  # no address at all
        return local if part == "all" or not local else None
    if part == "all":
        return local + b"@" + domain
    if part == "localpart":
        return local
    if part == "domain":
        return domain
    user, plus, detail = local.partition(b"+")
    if part == "user":
        return user
    return detail if plus else None


# --- envelope


def _envelope_check(checker: Checker, node: Node, call: Call) -> None:
    parts, keys = positional(node, 2), positional(node, 1)
    for name, text in constants(parts, call.args[0]):
        word = name.decode("utf-8", "replace").lower()
        if word not in _ENVELOPE_PARTS:
            raise Wrong("sieve.envelope-part", text.place, name=shown(name))
        if word == "auth" and "part" in call.tags:
            part = call.tags["part"]
            raise Wrong("sieve.part-of-no-address", text.place, tag=part, name=word)
    check_match(checker, call, keys, call.args[1])


def _envelope(run: Run, call: Call) -> bool:
    names, keys = call.args
    return matched(run, call, keys, _envelope_values(run, call, run.texts(names)))


def _envelope_values(run: Run, call: Call, names: list[bytes]) -> Iterator[bytes]:
    envelope = run.envelope
    paths = {b"from": envelope.sender, b"to": envelope.recipient}
    for name in names:
        path = paths.get(name.lower())
        if path is None:
            continue
        run.note(call, "sieve.trace-envelope", {"part": shown(name), "address": path})
        value = _path_part(call, path.encode("utf-8", "surrogateescape"))
        if value is not None:
            yield value


def _path_part(call: Call, path: bytes) -> bytes | None:
    # RFC 5228 §5.4: the null reverse-path is the empty string, whatever part is asked for.
    if not path:
        return b""
    try:
        return part_of(call, parse_address(path))
    except AddressError:
        return path


_KEYS: Final = ("key list", Type.STRINGS)
_LIMIT: Final = (("limit", Type.NUMBER),)
SPECS: Final = (
    Spec("exists", Sort.TEST, _exists, (("header names", Type.STRINGS),), check=_exists_check),
    Spec(
        "size", Sort.TEST, _size, _LIMIT,
        (Option("over", check=_size_once), Option("under", check=_size_once)), check=_size_check,
    ),
    Spec(
        "header", Sort.TEST, _header, (("header names", Type.STRINGS), _KEYS), (*MATCH, *INDEX),
        check=_header_check,
    ),
    Spec(
        "address", Sort.TEST, _address, (("header list", Type.STRINGS), _KEYS),
        (*MATCH, *PARTS, *INDEX), check=_address_check,
    ),
    Spec(
        "envelope", Sort.TEST, _envelope, (("envelope part", Type.STRINGS), _KEYS),
        (*MATCH, *PARTS), extension="envelope", check=_envelope_check,
    ),
)  # fmt: skip
