"""Write docs/fidelity.json and docs/fidelity.md: the simulator beside the real systems' kept answers.

    python -m tools.fidelity [--check]

The real answers are those of tests/fidelity/kept, which tests/fidelity/test_fidelity.py asks
anew; what was found first and what was mended since stands in tests/fidelity/history.json.
`--check` writes nothing and fails when a file differs from what would be written.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from mailsim.dialogue.volatile import normalised
from tests.fidelity import kept
from tests.fidelity.cells import Observation, by_cell, different, figures
from tests.fidelity.haste import hurry_simulated
from tests.fidelity.reasons import reason
from tests.fidelity.replayed import observations
from tests.fidelity.rounds import STAGES

ROOT: Final = Path(__file__).resolve().parent.parent
HISTORY: Final = ROOT / "tests" / "fidelity" / "history.json"
DATA: Final = ROOT / "docs" / "fidelity.json"
PAGE: Final = ROOT / "docs" / "fidelity.md"
RELEASES: Final = ("bookworm", "trixie")
PROTOCOLS: Final = ("smtp", "imap", "pop3", "managesieve")
_HEAD: Final = """\
# Fidelity: the simulator beside the real system

*Written by `python -m tools.fidelity` from the answers of the real systems that are kept in
`tests/fidelity/kept`; `tests/fidelity/test_fidelity.py` asks the real systems again.*

The same dialogues are held with a real Postfix and Dovecot in a container and with the simulator
as the same release, at the stages mail, relay and tls. They are made from the transition
tables (every command in every state, with right and wrong arguments, sizes and parameters) and from
the restriction lists (client host × HELO × sender × recipient × AUTH × TLS), with AUTH good, bad and
given up. Counted are distinct cells: protocol, release, stage, command, the real status. Greeting,
EHLO, LOGOUT and QUIT are left out. A cell is equal where code and enhanced code are (SMTP), or status
and response codes (POP3, IMAP, ManageSieve), in every situation in which it was met; a refusal
is equal where its code is. Wording is counted apart. LMTP, which no client of the lab reaches, is
compared by tests/oracles.
"""
Document = dict[str, Any]


def main(*, check: bool) -> int:
    """Write both files, or with `check` say that they differ."""
    document = made(list(_observed()))
    texts = {
        DATA: json.dumps(document, ensure_ascii=False, indent=1) + "\n",
        PAGE: page(document),
    }
    stale = [
        one for one, text in texts.items() if not one.is_file() or one.read_text("utf-8") != text
    ]
    for one in stale:
        print(f"{one.relative_to(ROOT)}{' is not what the tests give' if check else ''}")
        if not check:
            one.write_text(texts[one], encoding="utf-8", newline="\n")
    return 1 if check and stale else 0


def _observed() -> Iterator[Observation]:
    """Everything, from labs of a home of their own."""
    with tempfile.TemporaryDirectory() as home, pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAILSIM_HOME", home)
        hurry_simulated(patch)
        for name in ("MAILSIM_LAB", "MAILSIM_SEED"):
            os.environ.pop(name, None)
        for release in RELEASES:
            for stage in STAGES:
                yield from observations(release, stage, kept.read(release, stage.value))


def made(found: list[Observation]) -> Document:
    """All figures, and each cell that differs."""
    history = json.loads(HISTORY.read_text(encoding="utf-8"))
    return {
        "releases": {
            release: {
                **_figures(one for one in found if one.release == release),
                "parts": _parts([one for one in found if one.release == release]),
            }
            for release in RELEASES
        },
        "different": _different(found),
        **history,
    }


def _figures(found: Iterable[Observation]) -> Document:
    every = list(found)
    counted = by_cell(every)
    worded = sum(all(_same_words(one) for one in all_of) for all_of in counted.values())
    return {**figures(every).to_json(), "same_wording": worded}


def _same_words(one: Observation) -> bool:
    return one.same and normalised(one.real.text) == normalised(one.simulated.text)


def _parts(found: list[Observation]) -> list[Document]:
    """By protocol and stage."""
    parts = []
    for protocol in PROTOCOLS:
        for stage in STAGES:
            some = [one for one in found if (one.protocol, one.stage) == (protocol, stage.value)]
            if some:
                parts.append({"protocol": protocol, "stage": stage.value, **_figures(some)})
    return parts


def _different(found: list[Observation]) -> list[Document]:
    """What differs, with where it was met and why it is so."""
    groups: dict[tuple[str, str, str, str, str], list[str]] = defaultdict(list)
    for one in different(found):
        real, simulated = (f"{it.status} {it.detail}".strip() for it in (one.real, one.simulated))
        key = (one.protocol, _short(one.command), real, simulated, reason(one))
        groups[key].append(f"{one.release} {one.stage}")
    names = ("protocol", "command", "real", "simulated", "reason")
    return [
        {**dict(zip(names, key, strict=True)), "where": places} for key, places in groups.items()
    ]


def _short(command: str) -> str:
    return command if len(command) <= 70 else f"{command[:66]} […]"


# --- the page


def page(document: Document) -> str:
    """The report."""
    rows = [_HEAD, "## Now", "", *_summary(document["releases"]), ""]
    rows += ["## By protocol and stage", "", *_by_part(document["releases"]), ""]
    rows += ["## The first run, before anything was mended", "", *_first(document["first"]), ""]
    rows += ["## What was mended since", "", *(f"- {one}" for one in document["mended"]), ""]
    rows += ["## Cells that differ", "", *_cells(document["different"]), ""]
    return "\n".join(rows)


def _summary(releases: Document) -> Iterator[str]:
    yield "| release | cells | equal | | refusals | equal in code | | equal in words too | commands said |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for name, one in releases.items():
        yield f"| {name} | {_counts(one)} | {one['same_wording']} | {one['observations']} |"


def _counts(one: Document) -> str:
    return (
        f"{one['cells']} | {one['equal']} | {one['share']:.2f} % | "
        f"{one['refusals']} | {one['refusals_equal']} | {one['refusal_share']:.2f} %"
    )


def _by_part(releases: Document) -> Iterator[str]:
    yield "| protocol | release | stage | cells | equal | | refusals | equal in code | |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for name, release in releases.items():
        for one in release["parts"]:
            yield f"| {one['protocol']} | {name} | {one['stage']} | {_counts(one)} |"


def _first(first: Document) -> Iterator[str]:
    yield "| what was asked | cells | equal | | refusals | equal in code | |"
    yield "|---|---|---|---|---|---|---|"
    for name, one in first.items():
        yield f"| {name} | {_counts(one)} |"


def _cells(found: list[Document]) -> Iterator[str]:
    yield "| protocol | command | real | simulator | why | where |"
    yield "|---|---|---|---|---|---|"
    for one in found:
        shown = [_code(one[key]) for key in ("command", "real", "simulated")]
        yield f"| {one['protocol']} | {' | '.join(shown)} | {one['reason']} | {', '.join(one['where'])} |"


def _code(text: str) -> str:
    return f"`{text.replace('|', '¦').replace('`', '´')}`" if text else ""


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
