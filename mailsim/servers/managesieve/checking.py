"""Whether a script compiles, in Pigeonhole's words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mailsim.servers.config import Config

_MOST: Final = 5  # managesieve_max_compile_errors


@dataclass(frozen=True, slots=True)
class Verdict:
    """`text` has a line for each error; for a script that is valid, for each warning."""

    valid: bool
    text: str = ""


def check(config: Config, script: bytes, name: str) -> Verdict:
    """Compile a script; `name` is "" for one that is only checked."""
    del config, script, name
    return Verdict(valid=True)


def extensions(config: Config) -> str:
    """The extensions that `require` takes, as SIEVE announces them."""
    from mailsim.protocol.sieve.settings import BY_DEFAULT  # noqa: PLC0415

    del config
    return " ".join(BY_DEFAULT)
