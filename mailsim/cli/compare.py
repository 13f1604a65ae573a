"""`mailsim compare`: the same dialogue with two labs, line by line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from mailsim.cli.output import JSON, LANG, chosen_language, say, show_json
from mailsim.cli.session import read_script
from mailsim.errors import LabError, MailsimError, UsageError
from mailsim.language import language, word

if TYPE_CHECKING:
    from mailsim.dialogue.compare import Comparison, Step
    from mailsim.lab.sides import Said, Side, Wanted
    from mailsim.model.endpoint import Protocol

_MARKS: Final = {"equal": "=", "wording": "~", "different": "!"}
_STYLES: Final = {"equal": "dim", "wording": "default", "different": "bold red"}
_SIDE = typer.Option(..., "--backend", metavar="BACKEND|LAB|HOST:PORT", help=word("cli.side"))
_OTHER = typer.Option(..., "--with", metavar="BACKEND|LAB|HOST:PORT", help=word("cli.other-side"))
_PROTOCOL = typer.Option(None, "--protocol", metavar="PROTOCOL", help=word("cli.compare-protocol"))
_TO = typer.Option("", "--to", metavar="SERVICE", help=word("cli.compare-to"))
_STAGE = typer.Option(None, "--stage", metavar="STAGE", help=word("cli.stage"))
_RELEASE = typer.Option(None, "--release", metavar="R", help=word("cli.release"))
_WITH_STAGE = typer.Option(None, "--with-stage", metavar="STAGE", help=word("cli.with-stage"))
_WITH_RELEASE = typer.Option(None, "--with-release", metavar="R", help=word("cli.with-release"))
_AS = typer.Option("", "--as", metavar="HOST", help=word("cli.as"))
_STRICT = typer.Option(False, "--strict", help=word("cli.strict"))


def compare(
    script: Path = typer.Argument(..., metavar="SCRIPT", help=word("cli.script")),
    backend: str = _SIDE,
    other: str = _OTHER,
    protocol: str | None = _PROTOCOL,
    to: str = _TO,
    stage: str | None = _STAGE,
    with_stage: str | None = _WITH_STAGE,
    release: str | None = _RELEASE,
    with_release: str | None = _WITH_RELEASE,
    host: str = _AS,
    strict: bool = _STRICT,
    json: bool = JSON,
    lang: str | None = LANG,
) -> int:
    """Say the script's C: lines to both, and show what they answer; 1 where they differ."""
    from mailsim.cli.up import progress  # noqa: PLC0415 - only this command
    from mailsim.dialogue.compare import compare as compared  # noqa: PLC0415 - too
    from mailsim.lab.sides import say as talk  # noqa: PLC0415 - too
    from mailsim.lab.sides import two_sides  # noqa: PLC0415 - too

    spoken = language(chosen_language(lang))
    units, spoken_by = read_script(script)
    _check_host(host)
    speech = spoken_by if protocol is None else _protocol(protocol)
    first = _wanted(backend, stage, release)
    second = _wanted(other, with_stage or stage, with_release or release)
    slow = "container" if "container" in (backend, other) else "embedded"
    with progress(slow) as report, two_sides(first, second, report) as sides:
        a, b = (talk(one, units, speech, service=to, host=host) for one in sides)
    _raise_if_none_answers(a, b)
    found = compared(a.dialogue, b.dialogue, names=(sides[0].name, sides[1].name))
    _show(found, tuple(zip(sides, (a, b), strict=True)), spoken, json=json)
    return 0 if (found.equal if strict else found.agrees) else 1


def _wanted(where: str, stage: str | None, release: str | None) -> Wanted:
    from mailsim.lab.sides import Wanted  # noqa: PLC0415 - only this command
    from mailsim.model.stage import Release, Stage  # noqa: PLC0415 - too

    return Wanted(
        where,
        None if stage is None else Stage.of(stage),
        None if release is None else Release.of(release),
    )


def _protocol(name: str) -> Protocol:
    from mailsim.model.endpoint import Protocol  # noqa: PLC0415 - only this command

    names = {one.value: one for one in Protocol if one is not Protocol.DNS}
    names["sieve"] = Protocol.MANAGESIEVE
    if name not in names:
        raise UsageError("cli.bad-protocol", name=name, known=", ".join(names))
    return names[name]


def _check_host(name: str) -> None:
    from mailsim.lab.network import network  # noqa: PLC0415 - only this command

    if name and name != "localhost":
        try:
            network().host(name)
        except LabError as error:
            raise UsageError(error.message_id, **error.params) from None


def _raise_if_none_answers(a: Said, b: Said) -> None:
    """Two servers that say nothing are not the same: there is nothing to compare."""
    if a.broken and b.broken and not a.dialogue.exchanges and not b.dialogue.exchanges:
        raise a.broken


def _show(found: Comparison, both: tuple[tuple[Side, Said], ...], lang: str, *, json: bool) -> None:
    broken = {side.name: said.broken for side, said in both if said.broken is not None}
    if json:
        told = {name: error.worded(lang) for name, error in broken.items()}
        show_json({**found.to_json(), "broken": told})
        return
    for mark, name in zip("AB", found.names, strict=True):
        say(f"{mark}: {name}", "bold")
    for one in found.rows:
        _show_step(one, lang)
    _show_end(found, broken, lang)


def _show_step(one: Step, lang: str) -> None:
    style = _STYLES[one.verdict.value]
    said = f"C: {one.command}" if one.command else word("dialogue.compare-greeting", lang)
    say(f"{_MARKS[one.verdict.value]} {said}", style)
    if one.verdict.value == "equal":
        say(f"    {one.a}", style)
        return
    nothing = word("dialogue.compare-nothing", lang)
    say(f"    A: {one.a or nothing}", style)
    say(f"    B: {one.b or nothing}", style)


def _show_end(found: Comparison, broken: dict[str, MailsimError], lang: str) -> None:
    for name, error in broken.items():
        say(f"{name}: {error.worded(lang)}")
    say("")
    say(word("cli.compare-marks", lang))
    say(found.text(lang))
