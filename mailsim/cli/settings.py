"""`mailsim settings`: what a stage of the thesis sets, and what lies between two of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from mailsim.cli.output import JSON, LANG, chosen_language, say, show_json
from mailsim.errors import UsageError
from mailsim.language import language, word

if TYPE_CHECKING:
    from mailsim.lab.settings import Settings

_STAGE = typer.Argument("sieve", metavar="STAGE", help=word("settings.at"))
_DIFF = typer.Option("", "--diff", metavar="STAGE", help=word("settings.other"))
_RELEASE = typer.Option("noble", "--release", metavar="RELEASE", help=word("settings.release"))
_SERVICE = typer.Option("", "--service", metavar="PROGRAM", help=word("settings.service"))
_SETTING = typer.Option("", "--setting", metavar="NAME", help=word("settings.setting"))
_ABOUT = typer.Option("", "--about", metavar="ID", help=word("settings.about"))
_FAULT = typer.Option([], "--fault", metavar="FAULT", help=word("settings.with-fault"))


def settings(
    stage: str = _STAGE,
    diff: str = _DIFF,
    release: str = _RELEASE,
    service: str = _SERVICE,
    setting: str = _SETTING,
    about: str = _ABOUT,
    fault: list[str] = _FAULT,
    json: bool = JSON,
    lang: str | None = LANG,
) -> None:
    """Show the settings of the real system's files; no lab needs to run."""
    spoken = language(chosen_language(lang))
    found = _found(stage, diff, release, fault)
    found = found.service(_known(service)) if service else found
    found = found.named(setting) if setting else found
    found = found.about(about) if about else found
    if json:
        show_json({"settings": found.documents(spoken)})
    else:
        say(found.text(spoken))


def _known(service: str) -> str:
    from mailsim.lab.settings import SERVICES  # noqa: PLC0415 - here alone

    if service not in SERVICES:
        raise UsageError("lab.no-such-name", name=service, known=", ".join(SERVICES))
    return service


def _found(stage: str, other: str, release: str, faults: list[str]) -> Settings:
    from mailsim.lab.configuration import known_faults  # noqa: PLC0415 - here alone
    from mailsim.lab.faults import named  # noqa: PLC0415 - here alone
    from mailsim.lab.settings import diff, settings  # noqa: PLC0415 - here alone
    from mailsim.model.stage import Release, Stage  # noqa: PLC0415 - here alone
    from mailsim.servers.config import FAULTS  # noqa: PLC0415 - here alone

    on = [named(one, {*FAULTS, *known_faults()}) for one in faults]
    if other:
        return diff(Stage.of(stage), Stage.of(other), Release.of(release), on)
    return settings(Stage.of(stage), Release.of(release), on)
