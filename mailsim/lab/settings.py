"""What a stage of the thesis sets, and what lies between two of them: the real system's files."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Any, Final, SupportsIndex, overload

from mailsim import knowledge
from mailsim.lab.configuration import Key, Line, Reason, lines, taken_away
from mailsim.lab.errors import NoSuchName
from mailsim.lab.snapshot import Listing
from mailsim.language import language, word
from mailsim.model.stage import Release, Stage

# Whose file it is, by how its path begins.
_PATHS: Final = {
    "/etc/postfix/": "postfix",
    "/etc/aliases": "postfix",
    "/etc/mailname": "postfix",
    "/etc/postfix-": "peers",
    "/etc/dovecot/": "dovecot",
    "/etc/pam.d/dovecot": "dovecot",
    "/etc/bind/": "bind",
    "/var/lib/bind/": "bind",
    "/etc/apache2/": "apache",
    "/etc/roundcube/": "roundcube",
    "/etc/mysql/": "mariadb",
    "/etc/ssl/": "openssl",
    "/etc/nftables": "nftables",
    "/etc/amavis/": "amavis",
    "/etc/clamav/": "clamav",
    "/etc/spamassassin/": "spamassassin",
    "/etc/pyzord/": "pyzor",
    "/var/lib/amavis/.pyzor/": "pyzor",
    "/etc/systemd/system/mailsim-pyzord": "pyzor",
}
_SYSTEM: Final = "system"
SERVICES: Final = tuple(sorted({*_PATHS.values(), _SYSTEM}))
"""The programs that have settings; "system" is the machine itself."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of one file, and what it was before.

    `section`: the blocks around it, or the service in master.cf.  `value` is None where it is
    gone, `before` where it is new; both are the same where nothing changed.  `fault`: the one
    that sets it so, or "".
    """

    file: str
    section: str
    name: str
    value: str | None
    before: str | None
    why: Reason
    fault: str = ""

    @property
    def service(self) -> str:
        """The program whose setting it is: "postfix", "dovecot", "bind" …"""
        return _service(self.file)

    @property
    def ids(self) -> tuple[str, ...]:
        """The rows of the thesis's inventory that it is for, faults, or "lab"."""
        return self.why.ids

    @property
    def reason(self) -> str:
        """Why it is set so, in the language that is spoken."""
        return self.why.text()

    @property
    def thesis(self) -> tuple[str, ...]:
        """The thesis's sections."""
        return tuple(dict.fromkeys(filter(None, map(_section, self.ids))))

    @property
    def title(self) -> str:
        """Its name behind the blocks around it."""
        return f"{self.section} › {self.name}" if self.section else self.name

    def document(self, lang: str | None = None) -> dict[str, Any]:
        """The same as values that JSON knows."""
        return {
            "file": self.file,
            "service": self.service,
            "section": self.section,
            "name": self.name,
            "value": self.value,
            "before": self.before,
            "reason": self.why.text(lang),
            "ids": list(self.ids),
            "thesis": list(self.thesis),
            "fault": self.fault,
        }

    def comment(self, lang: str | None = None) -> str:
        """Why it is set so, and for what."""
        marked = f" ({word('settings.fault', lang, name=self.fault)})" if self.fault else ""
        return f"# {', '.join(self.ids)}: {self.why.text(lang)}{marked}"

    def rows(self) -> list[str]:
        """A line for what it was, behind "-", and for what it is, behind "+" where that is new."""
        if self.value == self.before:
            return [f"  {self._set(self.before)}"]
        was = [] if self.before is None else [f"- {self._set(self.before)}"]
        now = [] if self.value is None else [f"+ {self._set(self.value)}"]
        return was + now

    def _set(self, value: str | None) -> str:
        behind = f"\n    {' ' * len(self.title)}   "
        return f"{self.title} = {behind.join((value or '').splitlines())}".rstrip()

    def __str__(self) -> str:
        return "\n".join((self.comment(), *self.rows()))


class Settings(Listing[Setting]):
    """Settings in their files' order.

    `settings["smtpd_tls_auth_only"]` is the first of that name (main.cf stands before
    master.cf); `changed`, `service`, `file`, `named` and `about` give fewer of them.
    """

    __slots__ = ()

    @overload
    def __getitem__(self, at: str) -> Setting: ...
    @overload
    def __getitem__(self, at: SupportsIndex) -> Setting: ...
    @overload
    def __getitem__(self, at: slice) -> Settings: ...
    def __getitem__(self, at: str | SupportsIndex | slice) -> Setting | Settings:
        """By name or number.  Raises NoSuchName, a KeyError; IndexError."""
        if isinstance(at, str):
            found = self.named(at)
            if not found:
                names = ", ".join(dict.fromkeys(one.name for one in self)) or "-"
                raise NoSuchName("lab.no-such-name", name=at, known=names)
            return found[0]
        return (
            Settings(super().__getitem__(at)) if isinstance(at, slice) else super().__getitem__(at)
        )

    @property
    def changed(self) -> Settings:
        """Those that were otherwise before."""
        return self._those(lambda one: one.value != one.before)

    def service(self, name: str) -> Settings:
        """Those of that program.  Raises NoSuchName for one that no lab has."""
        if name not in SERVICES:
            raise NoSuchName("lab.no-such-name", name=name, known=", ".join(SERVICES))
        return self._those(lambda one: one.service == name)

    def file(self, name: str) -> Settings:
        """Those of that file: its path, or the end of it ("main.cf")."""
        end = "/" + name.removeprefix("/")
        return self._those(lambda one: one.file.endswith(end))

    def named(self, name: str) -> Settings:
        """Those of that name, wherever they stand: main.cf, and each service of master.cf."""
        return self._those(lambda one: one.name == name)

    def about(self, what: str) -> Settings:
        """Those of a row of the inventory ("REL5"), or a fault's ("F8")."""
        return self._those(lambda one: what in (*one.ids, one.fault))

    def _those(self, wanted: Callable[[Setting], bool]) -> Settings:
        return Settings(one for one in self if wanted(one))

    def text(self, lang: str | None = None) -> str:
        """File by file; a reason once for what stands together."""
        rows: list[str] = []
        for file, settings in groupby(self, lambda one: one.file):
            rows += ["", file] if rows else [file]
            for comment, several in groupby(settings, lambda one: one.comment(lang)):
                rows.append(f"  {comment}")
                rows += (f"  {row}" for one in several for row in one.rows())
        return "\n".join(rows) or word("settings.none", lang)

    def __repr__(self) -> str:
        return self.text()

    def documents(self, lang: str | None = None) -> list[dict[str, Any]]:
        """The same as values that JSON knows."""
        return [one.document(lang) for one in self]

    def html(self, lang: str | None = None) -> str:
        """A table: what, before, now, why."""
        from mailsim.render.settings import settings_html  # noqa: PLC0415 - notebooks alone

        return settings_html(self.documents(lang), lang=language(lang))

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/plain": self.text(), "text/html": self.html()}


def settings(stage: Stage, release: Release, faults: Collection[str] = ()) -> Settings:
    """All that is set at `stage`, each with what the stage before had.

    What a fault sets otherwise, or takes away, has what is right before it.
    """
    earlier = [one for one in Stage if one < stage]
    right, now = lines(stage, release), lines(stage, release, faults)
    old = lines(earlier[-1], release) if earlier else {}
    gone = [one for one in taken_away(stage, release, faults) if one.key not in now]
    shown = [_setting(one, (right if one.fault else old).get(one.key)) for one in now.values()]
    return _by_file([*shown, *(_setting(one, right.get(one.key)) for one in gone)], right)


def diff(first: Stage, second: Stage, release: Release, faults: Collection[str] = ()) -> Settings:
    """What is set otherwise at `second` than at `first`, file by file."""
    old, new = lines(first, release, faults), lines(second, release, faults)
    changed = [_setting(one, old.get(key)) for key, one in new.items()]
    gone = [_gone(one) for key, one in old.items() if key not in new]
    different = [one for one in (*changed, *gone) if one.value != one.before]
    return _by_file(different, {**new, **old})


def _by_file(found: Collection[Setting], known: Iterable[Key]) -> Settings:
    """What belongs to a file together, the files in the order in which they are known."""
    files = dict.fromkeys((*(file for file, _, _ in known), *(one.file for one in found)))
    order = {file: number for number, file in enumerate(files)}
    return Settings(sorted(found, key=lambda one: order[one.file]))


def _setting(now: Line, before: Line | None) -> Setting:
    was = None if before is None else before.value
    return Setting(*now.key, now.value, was, now.reason, now.fault)


def _gone(before: Line) -> Setting:
    return Setting(*before.key, None, before.value, before.reason, before.fault)


@cache
def _service(file: str) -> str:
    known = (service for path, service in _PATHS.items() if file.startswith(path))
    return next(known, _SYSTEM)


@cache
def _section(row: str) -> str:
    entry = knowledge.find("thesis.inventory", row)
    return "" if entry is None else str(entry.data["section"])
