"""Whether a script compiles, in Pigeonhole's words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailsim.protocol.sieve import Complaint, Refused, Severity
from mailsim.servers.dovecot.sieve import compiled

if TYPE_CHECKING:
    from mailsim.servers.world import World

_MOST: Final = 5  # managesieve_max_compile_errors


@dataclass(frozen=True, slots=True)
class Verdict:
    """`text` has a line for each error; for a script that is valid, for each warning."""

    valid: bool
    text: str = ""


def check(world: World, user: str, script: bytes, name: str, *, upload: bool) -> Verdict:
    """Compile a script of the user's; `name` is "" for one that is only checked.

    `upload`: it does not run yet, and what it includes may be missing.
    """
    made = compiled(world, user, name, script, upload=upload)
    if isinstance(made, Refused):
        return Verdict(valid=False, text=_said(made.complaints, name))
    return Verdict(valid=True, text=_said(made.warnings, name))


def _said(complaints: Iterable[Complaint], name: str) -> str:
    rows, errors = [], 0
    for one in complaints:
        errors += one.severity is Severity.ERROR
        if errors > _MOST:
            break
        rows.append(one.pigeonhole if name else one.pigeonhole.removeprefix(": "))
    return "".join(f"{row}\r\n" for row in rows)
