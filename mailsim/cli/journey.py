"""`mailsim journey MESSAGE`: a message's way through the servers, stop by stop."""

from __future__ import annotations

from dataclasses import asdict

import typer

from mailsim.cli.attached import NAME
from mailsim.cli.output import JSON, LANG, chosen_language, say, show_json
from mailsim.errors import LabError
from mailsim.language import word


def journey(
    message: str = typer.Argument(..., metavar="MESSAGE-ID|QUEUE-ID", help=word("cli.message")),
    name: str | None = NAME,
    json: bool = JSON,
    lang: str | None = LANG,
) -> None:
    """Read it from the log of the running lab."""
    from mailsim.lab.attach import attach  # noqa: PLC0415 - only this command
    from mailsim.lab.journeys import way  # noqa: PLC0415 - too

    chosen_language(lang)
    found = way(attach(name), message)
    if not found:
        raise LabError("lab.no-journey", message=message)
    if json:
        stops = [
            {"kind": stop.kind.value, **asdict(stop.line), "rule": stop.rule}
            for stop in found.stops
        ]
        show_json({"mailsim-journey": 1, "message_id": found.message_id, "stops": stops})
    else:
        say(repr(found))
