"""The message under the script's eyes, and as it edits it (RFC 5293)."""

from __future__ import annotations

import re
from functools import cached_property

from mailsim.protocol.sieve.fields import written
from mailsim.wire.mime import Mailbox, Part, decode_words, parse, parse_addresses

_FIELD_NAME = re.compile(rb"[\x21-\x39\x3B-\x7E]+")


def valid_field_name(name: bytes) -> bool:
    """field-name = 1*ftext"""
    return _FIELD_NAME.fullmatch(name) is not None


class Message:
    """A message's fields and body, read when they are asked for."""

    def __init__(self, content: bytes) -> None:
        self.original = content
        self._fields: list[tuple[bytes, bytes]] | None = None
        self._content: bytes | None = content
        self._texts: dict[bytes, list[bytes]] = {}
        self.bodies: dict[str, list[bytes]] = {}
        """The body as each transform of the body test has made it."""

    @cached_property
    def part(self) -> Part:
        """The message as it came."""
        return parse(self.original)

    @property
    def content(self) -> bytes:
        """The message as it is now."""
        if self._content is None:
            assert self._fields is not None  # noqa: S101 - it was edited
            blank = self.original[self._header_end : self.part.body_start]
            header = b"".join(raw for _, raw in self._fields)
            self._content = header + (blank or b"\r\n") + self.part.body
        return self._content

    @property
    def size(self) -> int:
        """Octets, line ends counted as CRLF, as the message came."""
        original = self.original
        return len(original) + original.count(b"\n") - original.count(b"\r\n")

    # --- fields

    def raw(self, name: bytes) -> list[bytes]:
        """The bodies of the fields of this name (in lower case), in their order."""
        if self._fields is None:
            return self.part.by_name.get(name, [])
        return [
            raw.partition(b":")[2].replace(b"\r\n", b"\n").strip(b" \t\n")
            for key, raw in self._fields
            if key == name
        ]

    def texts(self, name: bytes) -> list[bytes]:
        """The same as UTF-8: unfolded, encoded words read, without the space around."""
        found = self._texts.get(name)
        if found is None:
            found = [
                decode_words(raw).encode("utf-8", "replace").strip(b" \t\r\n")
                for raw in self.raw(name)
            ]
            self._texts[name] = found
        return found

    def addresses(self, name: bytes) -> list[Mailbox]:
        """The addresses in all fields of this name."""
        return [one for raw in self.raw(name) for one in parse_addresses(raw)]

    # --- edits

    @cached_property
    def _header_end(self) -> int:
        fields = self.part.fields
        return fields[-1].end if fields else 0

    def _editable(self) -> list[tuple[bytes, bytes]]:
        if self._fields is None:
            content = self.original
            self._fields = [
                (one.name.lower(), _ended(content[one.start : one.end])) for one in self.part.fields
            ]
        return self._fields

    def add(self, name: bytes, value: bytes, *, last: bool) -> None:
        """A new field, before all others or behind them; what is not ASCII is encoded."""
        field = (name.lower(), written(name, value))
        fields = self._editable()
        fields.insert(len(fields) if last else 0, field)
        self._edited(name)

    def positions(self, name: bytes) -> list[int]:
        """Where the fields of this name are, for `delete`."""
        return [at for at, (key, _) in enumerate(self._editable()) if key == name.lower()]

    def delete(self, positions: list[int]) -> None:
        """Take fields away."""
        fields = self._editable()
        gone = set(positions)
        for at in gone:
            self._edited(fields[at][0])
        self._fields = [one for at, one in enumerate(fields) if at not in gone]

    def _edited(self, name: bytes) -> None:
        self._content = None
        self._texts.pop(name.lower(), None)


def _ended(raw: bytes) -> bytes:
    return raw if raw.endswith(b"\n") else raw + b"\r\n"
