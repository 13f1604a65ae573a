"""Whether a script compiles, in Pigeonhole's words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailsim.protocol.sieve import (
    BY_DEFAULT,
    SITE,
    Complaint,
    Refused,
    Severity,
    compile_script,
)

if TYPE_CHECKING:
    from mailsim.servers.store import Store

EXTENSIONS: Final = " ".join(BY_DEFAULT)
"""What `require` takes, as the capability SIEVE announces it."""
_MOST: Final = 5  # managesieve_max_compile_errors


@dataclass(frozen=True, slots=True)
class Verdict:
    """`text` has a line for each error; for a script that is valid, for each warning."""

    valid: bool
    text: str = ""


def check(store: Store, user: str, script: bytes, name: str, *, upload: bool) -> Verdict:
    """Compile a script of the user's; `name` is "" for one that is only checked.

    `upload`: it does not run yet, and what it includes may be missing.
    """

    def included(wanted: str, shared: bool) -> bytes | None:  # noqa: FBT001 - Includes' form
        return None if shared else store.script(user, wanted)

    made = compile_script(script, name=name, includes=included, settings=SITE, upload=upload)
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
