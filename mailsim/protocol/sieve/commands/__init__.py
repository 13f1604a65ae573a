"""All commands and tests, by name; a module for each family."""

from __future__ import annotations

from typing import Final

from mailsim.protocol.sieve.commands import (
    actions,
    body,
    controls,
    date,
    debug,
    duplicate,
    editheader,
    environment,
    flags,
    ihave,
    include,
    logic,
    mailbox,
    reject,
    spam,
    tests,
    vacation,
    variables,
)
from mailsim.protocol.sieve.spec import Spec

_FAMILIES: Final = (
    controls, logic, tests, actions, reject, vacation, flags, variables, body, date, mailbox,
    include, duplicate, spam, environment, ihave, editheader, debug,
)  # fmt: skip
COMMANDS: Final[dict[str, Spec]] = {
    spec.name: spec for family in _FAMILIES for spec in family.SPECS
}
