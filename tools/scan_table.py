"""Write docs/scans.md from what the scanners of tests/scans have found, stage by stage.

pytest tests/scans -m container
python tools/scan_table.py build/scans.json
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "scans.md"
_SIGNS: Final = {"good": "✓ ", "bad": "✗ ", "note": ""}
_HEAD: Final = """\
# What scanners find, stage by stage

*Written by `tools/scan_table.py` from the results of `tests/scans`: nmap, swaks, testssl.sh and
sslyze, run on poste.minfo.sn (192.168.10.50) against the real system in a container. They meet its
firewall, ask its DNS, and trust the lab's authority. testssl.sh is slow, and run at stage sieve
alone.*

✓ is as it should be, ✗ is not; without a sign it is a fact. – was not asked, or is not there yet.
"""
_THESIS: Final = """
## What the thesis says

- **An open relay** (3.2.1, REL1): before the restrictions the server relays for its whole network;
  spammers look for such servers, and block lists list them. nmap and swaks find it at stage mail.
  To a host outside the network Postfix answers 454 from the beginning, by its own default
  (`defer_unauth_destination`).
- **What goes in clear** (3.2.2, F7): passwords and messages, on 25, 110 and 143. At stage mail
  nmap finds those ports and no STARTTLS, sslyze nothing to speak TLS with. From stage tls on there
  is TLS; from stage firewall on 110 and 143 are shut.
- **Block lists** (3.2.1): spammeur.pub.sn writes to anyone at stage mail, and is refused with 554
  from stage relay on.
- **VRFY** (F24): the thesis leaves it open, and so does stage mail; from stage relay on it is shut.

What the thesis does not say: Postfix offers anonymous cipher suites by TLS 1.2 on 25 and 587. A
client that verifies never takes them (`smtpd_tls_exclude_ciphers`, `aNULL`).
"""


def _cell(found: Iterable[Mapping[str, Any]]) -> str:
    said = [f"{_SIGNS[one['verdict']]}{one['finding']}" for one in found]
    return "; ".join(dict.fromkeys(said)).replace("|", "\\|") or "–"


def page(results: list[Mapping[str, Any]]) -> str:
    """The page: a row for each tool, port and question; a column for each stage."""
    lines = [_HEAD]
    for release in dict.fromkeys(one["release"] for one in results):
        lines += _table(release, [one for one in results if one["release"] == release])
    return "\n".join(lines) + _THESIS


def _table(release: str, results: list[Mapping[str, Any]]) -> list[str]:
    stages = list(dict.fromkeys(one["stage"] for one in results))
    lines = [
        f"## {release}",
        "",
        f"| tool | port | what | {' | '.join(stages)} |",
        f"|---|---|---|{'---|' * len(stages)}",
    ]
    for row in sorted({_row(one) for one in results}):
        cells = [
            _cell(one for one in results if _row(one) == row and one["stage"] == stage)
            for stage in stages
        ]
        tool, port, what = row
        lines.append(f"| {tool} | {port or ''} | {what} | {' | '.join(cells)} |")
    return lines


def _row(one: Mapping[str, Any]) -> tuple[str, int, str]:
    return str(one["tool"]), int(one["port"]), str(one["what"])


def main() -> None:
    """Read the file named on the command line, write the page."""
    PAGE.write_text(page(json.loads(Path(sys.argv[1]).read_text("utf-8"))), encoding="utf-8")


if __name__ == "__main__":
    main()
