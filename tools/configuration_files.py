"""Configuration files taken apart: each setting with its section and the comment before it.

A comment says why and for which row of the inventory: "# REL5, lab: whose connection …".  It
holds for the settings that follow it to the next comment, an empty line or the end of its block,
and for the blocks among them; in main.cf for one setting alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

_WHY: Final = re.compile(r"((?:(?:[A-Z]{2,3}\d+|F\d+|lab)(?:, )?)+): (\S.*)")
_SEPARATOR: Final = " › "
# Not a reason: titles, tables' heads, and what runs the file.
_TITLE: Final = re.compile(r"---|service type|main\.cf is put together|!/")


@dataclass(frozen=True, slots=True)
class Reason:
    """Why, and for which rows of the inventory, faults, or the lab ("lab")."""

    ids: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Found:
    """A setting as a file has it."""

    file: str
    section: str
    name: str
    value: str
    reason: Reason | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """What no two settings have in common."""
        return (self.file, self.section, self.name)


@dataclass
class _Reader:
    """What was read so far of one file."""

    file: str
    each_alone: bool = False
    """Whether a comment is for one setting alone."""
    found: list[Found] = field(default_factory=list)
    _blocks: list[tuple[str, Reason | None, int]] = field(default_factory=list)
    _reason: Reason | None = None
    _comment: list[str] = field(default_factory=list)

    def comment(self, text: str) -> None:
        if _WHY.match(text):
            self._comment.clear()
        if _TITLE.match(text) is None:
            self._comment += text.split()

    def blank(self) -> None:
        self._comment.clear()
        self._reason = self._blocks[-1][1] if self._blocks else None

    def _heard(self) -> Reason | None:
        if self._comment:
            said = _WHY.fullmatch(" ".join(self._comment))
            self._reason = said and Reason(tuple(said[1].split(", ")), said[2])
            self._comment.clear()
        return self._reason

    def setting(self, name: str, value: str, section: str = "") -> None:
        sections = [one for one, _, _ in self._blocks] + ([section] if section else [])
        flat = re.sub(r"\s+", " ", value.strip())
        self.found.append(Found(self.file, _SEPARATOR.join(sections), name, flat, self._heard()))
        if self.each_alone:
            self._reason = None

    def open(self, title: str) -> None:
        self._blocks.append((title, self._heard(), len(self.found)))

    def close(self) -> None:
        """An empty block is a setting too; what follows has the reason of what went before."""
        title, reason, before = self._blocks.pop()
        self._comment.clear()
        self._reason = reason
        if len(self.found) == before:
            self.setting(title, "")

    def close_all(self) -> None:
        while self._blocks:
            self.close()


def _lines(text: str, marks: tuple[str, ...], reader: _Reader) -> Iterator[str]:
    """The lines that are neither empty nor comments, which go to the reader."""
    for line in text.splitlines():
        bare = line.strip()
        mark = next((one for one in marks if bare.startswith(one)), None)
        if mark is not None:
            reader.comment(bare.removeprefix(mark).strip())
        elif bare:
            yield line.rstrip()
        else:
            reader.blank()


def _equals(text: str, reader: _Reader) -> None:
    """[section] and name = value: main.cf, MariaDB, OpenSSL, systemd."""
    for line in _lines(text, ("#",), reader):
        if section := re.fullmatch(r"\[(.*)\]", line):
            reader.close_all()
            reader.open(section[1])
        else:
            name, _, value = line.partition("=")
            reader.setting(name.strip(), value)
    reader.close_all()


# SpamAssassin's rules: the rule's name belongs to the setting's.
_OF_RULES: Final = ("header", "body", "describe", "tflags", "score", "urirhssub")


def _words(text: str, reader: _Reader) -> None:
    """A name, then its value."""
    for line in _lines(text, ("#",), reader):
        name, *value = line.split(maxsplit=1)
        if name in _OF_RULES:
            rule, *value = value[0].split(maxsplit=1)
            name = f"{name} {rule}"
        reader.setting(name.removesuffix(":"), value[0] if value else "")


def _master(text: str, reader: _Reader) -> None:
    service = ""
    for line in _lines(text, ("#",), reader):
        if line.startswith("  -o "):
            name, _, value = line.strip().removeprefix("-o ").partition("=")
            reader.setting(name, value, service)
        else:
            name, kind, rest = line.split(maxsplit=2)
            service = f"{name} {kind}"
            reader.setting(service, rest)


def _braces(text: str, reader: _Reader) -> None:
    """Dovecot, BIND, nftables."""
    for line in _lines(text, ("#", "//"), reader):
        bare = line.strip()
        if bare.endswith("{"):
            reader.open(bare.removesuffix("{").strip())
        elif bare in ("}", "};"):
            reader.close()
        else:
            reader.setting(*_statement(bare))


_STATEMENTS: Final = (
    r"(zone \"[^\"]*\") \{ (.*) \};",
    r"(type .*?); (.*);",  # nftables: a chain
    r"(.*\S) (accept|drop)",  # nftables: a rule
    r"(\S+) = ?(.*)",
    r"(\S+) (.*?);?",
)


def _statement(line: str) -> tuple[str, str]:
    for pattern in _STATEMENTS:
        if said := re.fullmatch(pattern, line):
            return said[1], said[2]
    return line, ""


def _apache(text: str, reader: _Reader) -> None:
    for line in _lines(text, ("#",), reader):
        bare = line.strip()
        if bare.startswith("</"):
            reader.close()
        elif bare.startswith("<"):
            reader.open(bare.strip("<>"))
        else:
            name, _, value = bare.partition(" ")
            reader.setting(name, value)


_ASSIGNED: Final = re.compile(r"(?:\$config\['(\w+)'\]|[$@](\w+)) = ")


def _statements(text: str, reader: _Reader) -> None:
    """PHP and Perl: assignments that end with a semicolon at a line's end."""
    whole = ""
    for line in text.splitlines():
        bare = line.strip()
        comment = bare.startswith(("#", "//"))
        if not bare and not whole:
            reader.blank()
        elif comment and not whole:
            reader.comment(bare.lstrip("#/").strip())
        elif bare not in ("<?php", "use strict;", "1;", "") and not comment:
            whole = f"{whole} {bare}".lstrip()
        if whole.endswith(";"):
            _assignment(whole.removesuffix(";"), reader)
            whole = ""


def _assignment(statement: str, reader: _Reader) -> None:
    names = []
    while said := _ASSIGNED.match(statement):
        names.append(said[1] or said[2])
        statement = statement[said.end() :]
    reader.setting(", ".join(names), statement)


def _indented(text: str, reader: _Reader) -> None:
    """YAML, as far as the lab's files use it."""
    depths: list[int] = []
    for line in _lines(text, ("#",), reader):
        depth = len(line) - len(line.lstrip())
        while depths and depths[-1] >= depth:
            depths.pop()
            reader.close()
        name, _, value = line.strip().partition(":")
        if value:
            reader.setting(name, value)
        else:
            depths.append(depth)
            reader.open(name)
    reader.close_all()


def _zone(text: str, reader: _Reader) -> None:
    for line in _lines(text, (";",), reader):
        record = re.fullmatch(r"(\S+) IN (\S+) (.*)", line)
        if record:
            reader.setting(f"{record[1]} {record[2]}", record[3])
        else:
            name, _, value = line.partition(" ")
            reader.setting(name, value)


def _whole(text: str, reader: _Reader) -> None:
    """A file that is one setting: a name, a script."""
    lines = list(_lines(text, ("#",), reader))
    reader.setting(reader.file.rpartition("/")[2], " ".join(lines))


# The first that fits a path says how it is read.
_FORMATS: Final[tuple[tuple[str, Callable[[str, _Reader], None]], ...]] = (
    (r"/etc/postfix.*/master\.cf", _master),
    (r".*/main\.cf|.*\.cnf|.*\.service|.*/journald.*|.*/sshd_.*", _equals),
    (r"/etc/hostname|/etc/mailname|.*/\.pyzor/servers|.*\.sieve", _whole),
    (r"/etc/dovecot/.*\.conf|/etc/bind/.*|.*\.nft|/etc/nftables\.conf", _braces),
    (r".*\.php|/etc/amavis/.*", _statements),
    (r"/etc/apache2/.*", _apache),
    (r".*\.yaml|/etc/cloud/.*", _indented),
    (r"/var/lib/bind/.*", _zone),
    (r"/etc/.*", _words),
)


def settings_of(file: str, text: str, why: str = "") -> list[Found]:
    """The settings of a file, or of a part of it, in its order.

    `why`: the comment of a file that can hold none.  A name that stands several times is one
    setting of several lines.
    """
    reader = _Reader(file, each_alone=file == "/etc/postfix/main.cf")
    if why:
        reader.comment(why)
    read = next(one for pattern, one in _FORMATS if re.fullmatch(pattern, file))
    read(text, reader)
    merged: dict[tuple[str, str, str], Found] = {}
    for one in reader.found:
        first = merged.get(one.key)
        merged[one.key] = replace(first, value=f"{first.value}\n{one.value}") if first else one
    return list(merged.values())
