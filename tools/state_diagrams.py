"""Write docs/states/*.md, the protocols' state diagrams, from their transition tables.

`--check` writes nothing and fails when a file differs from what would be written.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Final

from mailsim.protocol import imap, managesieve, pop3, smtp
from mailsim.protocol.table import Table

STATES: Final = Path(__file__).resolve().parent.parent / "docs" / "states"
TABLES: Final[Mapping[str, tuple[str, Table[Any]]]] = {
    "smtp": ("SMTP and LMTP", smtp.TABLE),
    "pop3": ("POP3", pop3.TABLE),
    "imap": ("IMAP", imap.TABLE),
    "managesieve": ("ManageSieve", managesieve.TABLE),
}


def page(name: str) -> str:
    """The page of one protocol: its diagram, and the same in words."""
    title, table = TABLES[name]
    states: type[Enum] = type(table.initial)
    rows = [f"| {one.value} | {', '.join(table.legal(one)) or '—'} |" for one in states]
    return "\n".join(
        [
            f"# {title}: the states of a connection",
            "",
            f"*Written by `tools/state_diagrams.py` from `mailsim/protocol/{name}/states.py`, the",
            "table that the client and the server follow: change it there.*",
            "",
            "An arrow is a command with the answer that moves the connection; without parentheses",
            "the answer is positive. A refusal that is not drawn leaves the state as it is.",
            "",
            "```mermaid",
            table.mermaid().rstrip("\n"),
            "```",
            "",
            "| state | what may come next |",
            "|---|---|",
            *rows,
            "",
        ]
    )


def drifted() -> list[Path]:
    """The pages that are missing or differ from their tables."""
    return [
        path
        for name in TABLES
        if not (path := STATES / f"{name}.md").is_file() or path.read_text("utf-8") != page(name)
    ]


def main(*, check: bool) -> None:
    """Write the pages that drifted, or with `check` name them and exit 1."""
    stale = drifted()
    if check and stale:
        names = ", ".join(map(str, stale))
        sys.exit(f"Not what the transition tables give: {names}. Run: make states")
    STATES.mkdir(parents=True, exist_ok=True)
    for path in stale:
        path.write_text(page(path.stem), encoding="utf-8", newline="\n")
        print(path)


if __name__ == "__main__":
    main(check="--check" in sys.argv[1:])
