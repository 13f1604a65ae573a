"""`mailsim fault`: the thesis's errors, listed, shown, switched on and off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from mailsim.cli.attached import NAME, running
from mailsim.cli.output import JSON, LANG, chosen_language, say, show_json
from mailsim.errors import UsageError
from mailsim.language import language, word

if TYPE_CHECKING:
    from mailsim.lab.backend import Document

_SWITCH = {"on": True, "off": False}


def fault(
    which: str = typer.Argument("", metavar="FAULT", help=word("cli.fault-name")),
    switch: str = typer.Argument("", metavar="on|off", help=word("cli.fault-switch")),
    name: str | None = NAME,
    json: bool = JSON,
    lang: str | None = LANG,
) -> None:
    """Switch a fault, show one, or list them all with what each is."""
    spoken = language(chosen_language(lang))
    if switch and switch.lower() not in _SWITCH:
        raise UsageError("cli.fault-wrong", given=switch)
    if switch:
        _switch(which, name, spoken, on=_SWITCH[switch.lower()], json=json)
    elif which:
        _show(which, name, spoken, json=json)
    else:
        _list(name, spoken, json=json)


def _switch(which: str, lab: str | None, lang: str, *, on: bool, json: bool) -> None:
    from mailsim.lab.attach import attach  # noqa: PLC0415 - here alone
    from mailsim.lab.faults import named  # noqa: PLC0415 - here alone
    from mailsim.servers.config import FAULTS  # noqa: PLC0415 - here alone

    wanted = named(which, FAULTS)  # a wrong name is said before a lab is missed
    backend = attach(lab)
    now = backend.ask("fault", name=wanted, on=on)
    if json:
        show_json({"faults": now})
        return
    say(word("cli.status-faults", lang, faults=", ".join(now) or "-"))
    if on:
        _say_where(_found(which, backend.ask("describe"), lang), lang)


def _show(which: str, lab: str | None, lang: str, *, json: bool) -> None:
    one = _found(which, _about(lab), lang)
    if json:
        show_json(one)
        return
    say(word("cli.fault-title", lang, name=one["name"], text=one["text"]))
    say(word(_STATES[one["on"]], lang, name=one["name"]))
    _say_where(one, lang)
    if one["name"][1:].isdigit():
        say(word("cli.fault-more", lang, name=one["name"]))


def _list(lab: str | None, lang: str, *, json: bool) -> None:
    from mailsim.lab.faults import by_number  # noqa: PLC0415 - here alone
    from mailsim.servers.config import FAULTS  # noqa: PLC0415 - here alone

    about = _about(lab)
    known = [_found(one, about, lang) for one in by_number(FAULTS)]
    if json:
        show_json({"faults": about["faults"] if about else None, "known": known})
        return
    for one in known:
        mark = "*" if one["on"] else " "
        say(f"{mark} {one['name']:<12} {one['text']}")
    say(word("cli.fault-list" if about else "cli.fault-list-no-lab", lang))


def _about(lab: str | None) -> Document | None:
    """The running lab, None if none does; a lab that was named must run."""
    backend = running(lab)
    about: Document | None = backend.ask("describe") if backend else None
    return about


def _found(which: str, about: Document | None, lang: str) -> dict[str, Any]:
    """What is to say of a fault; `on` and `stage` are None where no lab runs."""
    from mailsim.lab.effects import stages  # noqa: PLC0415 - the simulator's settings
    from mailsim.lab.faults import named, short  # noqa: PLC0415 - here alone
    from mailsim.model.stage import Release  # noqa: PLC0415 - here alone
    from mailsim.servers.config import FAULTS  # noqa: PLC0415 - here alone

    name = named(which, FAULTS)
    release = Release(about["release"]) if about else Release.NOBLE
    return {
        "name": name,
        "text": short(name, lang),
        "on": name in about["faults"] if about else None,
        "stage": about["stage"] if about else None,
        "stages": [one.value for one in stages(name, release)],
    }


def _say_where(one: dict[str, Any], lang: str) -> None:
    """Where it changes something, if that is not here."""
    name, stage, acts = one["name"], one["stage"], one["stages"]
    if not acts:
        say(word("cli.fault-nowhere", lang, name=name))
    elif stage is None:
        say(word("cli.fault-from", lang, first=acts[0]))
    elif stage not in acts:
        say(word("cli.fault-not-here", lang, name=name, stage=stage, first=acts[0]))


_STATES = {
    True: "cli.fault-is-on",
    False: "cli.fault-is-off",
    None: "cli.fault-no-lab",
}
