"""`mailsim fault`: the thesis's errors, listed, switched on and off."""

from __future__ import annotations

import typer

from mailsim.cli.attached import NAME
from mailsim.cli.output import JSON, LANG, chosen_language, say, show_json
from mailsim.errors import UsageError
from mailsim.language import language, word

_SWITCH = {"on": True, "off": False}


def fault(
    which: str = typer.Argument("", metavar="[FAULT]", help=word("cli.fault-name")),
    switch: str = typer.Argument("", metavar="[on|off]", help=word("cli.fault-switch")),
    name: str | None = NAME,
    json: bool = JSON,
    lang: str | None = LANG,
) -> None:
    """Switch a fault, or list them all with what each is."""
    from mailsim.lab.attach import attach  # noqa: PLC0415 - only this command

    spoken = language(chosen_language(lang))
    if which and switch not in _SWITCH:
        raise UsageError("cli.fault-wrong", given=switch)
    backend = attach(name)
    if which:
        on = backend.ask("fault", name=_cased(which), on=_SWITCH[switch])
    else:
        on = backend.ask("describe")["faults"]
    if json:
        show_json({"faults": on})
    elif which:
        say(word("cli.status-faults", spoken, faults=", ".join(on) or "-"))
    else:
        _list(set(on), spoken)


def _cased(name: str) -> str:
    """f8 is F8."""
    return name.upper() if name[1:].isdigit() else name


def _list(on: set[str], lang: str) -> None:
    from mailsim.lab.faults import by_number, short  # noqa: PLC0415 - here alone
    from mailsim.servers.config import FAULTS  # noqa: PLC0415 - here alone

    for name in by_number(FAULTS):
        mark = "*" if name in on else " "
        say(f"{mark} {name:<12} {short(name, lang)}")
