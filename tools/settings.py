"""Write mailsim/lab/settings.json, what the roles of provision/ set, from the roles themselves.

    python -m tools.settings [--check] [DOCUMENT]

Each setting stands once, with the releases and stages that have it, its reason in both languages
and the inventory's rows.  `--check` writes nothing and fails when the file differs.  DOCUMENT is
what provision/settings.yml wrote; without it ansible-playbook is run.  A setting without a
reason, and a reason without its French (provision/settings.fr.json), end it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tools.configuration_files import Found, Reason, settings_of

ROOT: Final = Path(__file__).resolve().parent.parent
PROVISION: Final = ROOT / "provision"
TARGET: Final = ROOT / "mailsim" / "lab" / "settings.json"
FRENCH: Final = PROVISION / "settings.fr.json"
RELEASES: Final = ("bookworm", "trixie", "noble", "resolute")
STAGES: Final = (
    "dns", "mail", "sasl", "relay", "tls",
    "firewall", "amavis", "clamav", "spamassassin", "sieve",
)  # fmt: skip
# Those that change what a file says; the others change accounts, owners or the client.
FAULTS: Final = (
    "F1", "F2", "F3", "F5", "F6", "F7", "F8", "F9", "F10", "F11", "F12", "F13", "F14", "F16",
    "F18", "F19", "F20", "F23", "F24", "F28", "F29", "self-signed", "expired", "wrong-name",
)  # fmt: skip

Parts = Sequence[Sequence[str]]
"""What the roles write at one stage: path, text, why, template."""
Place = tuple[str, str]
"""A release and a stage."""
Key = tuple[str, str, str]
Line = tuple[str, str, str, str | None, Reason]
"""File, section, name, value (None: taken away) and reason."""


def main(arguments: Sequence[str]) -> int:
    """Write the file, or compare it."""
    given = [Path(one) for one in arguments if one != "--check"]
    made = document_of(read(given[0]) if given else rendered())
    if "--check" not in arguments:
        TARGET.write_text(made, encoding="utf-8")
    elif TARGET.read_text(encoding="utf-8") != made:
        print(f"{TARGET.relative_to(ROOT)} is not what the roles say: make settings")
        return 1
    return 0


def read(document: Path) -> Any:
    """What provision/settings.yml wrote."""
    return json.loads(document.read_text(encoding="utf-8"))


def rendered() -> Any:
    """The same, from a run of it."""
    with tempfile.TemporaryDirectory() as folder:
        to = Path(folder) / "settings.json"
        wanted = {"mailsim_settings_to": str(to), "mailsim_settings_faults": FAULTS}
        command = ["ansible-playbook", "-i", "localhost,", "-c", "local"]
        subprocess.run(
            [*command, str(PROVISION / "settings.yml"), "-e", json.dumps(wanted)],
            env={**os.environ, "ANSIBLE_CONFIG": str(PROVISION / "ansible.cfg")},
            stdout=sys.stderr,
            check=True,
        )
        return read(to)


def document_of(written: Any) -> str:
    """The package's file: a line for each setting."""
    known = _Known()
    for place, parts in _places(written):
        known.note(place, _at(parts))
    for fault in FAULTS:
        for (release, stage), right in _places(written):
            wrong = written[release]["faults"][fault][stage]
            known.note_fault((release, stage), fault, _changes(right, wrong))
    return _text(known)


def _places(written: Any) -> Iterator[tuple[Place, Parts]]:
    for release in RELEASES:
        for stage in STAGES:
            yield (release, stage), written[release][stage]


def _at(parts: Parts) -> list[Line]:
    """The settings of all files.  A file's parts may not set the same twice."""
    found: dict[Key, Found] = {}
    for path, text, why, template in parts:
        for one in settings_of(path, text, why):
            if one.key in found:
                raise SystemExit(f"{path}: {one.name} is set twice, again in {template}")
            found[one.key] = one
    return [_line(one) for one in found.values()]


def _line(one: Found) -> Line:
    if one.reason is None:
        raise SystemExit(f"{one.file}: {one.section} {one.name} = {one.value}: why? (ID: reason)")
    return (*one.key, one.value, one.reason)


def _changes(right: Parts, wrong: Parts) -> Iterator[tuple[Line | None, Line]]:
    """Of the files that a fault changes each line: as it is without the fault, and with it."""
    instead = {(path, template): [path, *rest, template] for path, *rest, template in wrong}
    own = [one for one in right if (one[0], one[3]) in instead]
    before = {line[:3]: line for line in _at(own)}
    after = {line[:3]: line for line in _at([instead[one[0], one[3]] for one in own])}
    yield from ((before.get(key), line) for key, line in after.items())
    gone = (line for key, line in before.items() if key not in after)
    yield from ((line, (*line[:3], None, line[4])) for line in gone)


@dataclass
class _Known:
    """Each line that any place has, in the files' order, and which places those are.

    The lines of a fault stand behind the ones in whose place they are.
    """

    order: list[tuple[str, Line]] = field(default_factory=list)
    where: dict[tuple[str, Line], list[Place]] = field(default_factory=dict)

    def note(self, place: Place, lines: Iterable[Line]) -> None:
        """A line that is new stands behind the one that was before it here."""
        last = -1
        for line in lines:
            last = self._noted(("", line), last, place)

    def note_fault(
        self, place: Place, fault: str, lines: Iterable[tuple[Line | None, Line]]
    ) -> None:
        """Those that differ without the fault and with it."""
        last = -1
        for before, line in lines:
            if before is not None:
                last = self.order.index(("", before))
            if before is None or before[3] != line[3]:
                last = self._noted((fault, line), last, place)

    def _noted(self, one: tuple[str, Line], last: int, place: Place) -> int:
        if one not in self.where:
            self.order.insert(last + 1, one)
        self.where.setdefault(one, []).append(place)
        return self.order.index(one)


def _text(known: _Known) -> str:
    reasons = list(dict.fromkeys(line[4] for _, line in known.order))
    numbers = {one: number for number, one in enumerate(reasons)}
    files: dict[str, list[str]] = {}
    for fault, line in known.order:
        file, section, name, value, reason = line
        at = _where(known.where[fault, line])
        row = [section, name, value, numbers[reason], at, *([fault] if fault else [])]
        files.setdefault(file, []).append(_json(row))
    blocks = [f"  {_json(file)}: [\n    {_lines(rows, 4)}\n  ]" for file, rows in files.items()]
    worded = _lines(map(_json, _worded(reasons)), 2)
    return f'{{\n"reasons": [\n  {worded}\n],\n"files": {{\n{_lines(blocks, 0)}\n}}\n}}\n'


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _lines(rows: Iterable[str], indent: int) -> str:
    return (",\n" + " " * indent).join(rows)


def _worded(reasons: Sequence[Reason]) -> list[list[str]]:
    """Rows, English, French."""
    french: Mapping[str, str] = json.loads(FRENCH.read_text(encoding="utf-8"))
    missing = [one.text for one in reasons if one.text not in french]
    unused = french.keys() - {one.text for one in reasons}
    if missing or unused:
        wrong = [*(f"no French: {one}" for one in missing), *(f"no such: {one}" for one in unused)]
        raise SystemExit("\n".join((FRENCH.name, *sorted(wrong))))
    return [[" ".join(one.ids), one.text, french[one.text]] for one in reasons]


def _where(places: Sequence[Place]) -> dict[str, str]:
    """Ranges of stages by releases: {"noble resolute": "mail-tls sieve"}, {"all": "dns-sieve"}."""
    by_range: dict[str, list[str]] = {}
    for release in RELEASES:
        ranges = _ranges([STAGES.index(stage) for one, stage in places if one == release])
        if ranges:
            by_range.setdefault(ranges, []).append(release)
    if len(by_range) == 1 and by_range == {next(iter(by_range)): list(RELEASES)}:
        return {"all": next(iter(by_range))}
    return {" ".join(releases): ranges for ranges, releases in by_range.items()}


def _ranges(numbers: Sequence[int]) -> str:
    found: list[list[int]] = []
    for number in numbers:
        if found and found[-1][-1] == number - 1:
            found[-1].append(number)
        else:
            found.append([number])
    return " ".join("-".join(STAGES[n] for n in sorted({one[0], one[-1]})) for one in found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
