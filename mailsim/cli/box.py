"""`mailsim box`: a machine's box to carry, made from packages."""

from __future__ import annotations

from pathlib import Path

import typer

from mailsim.cli.output import JSON, LANG, chosen_language, say, show_json
from mailsim.cli.up import progress
from mailsim.language import language, word

_FOLDER = Path("mailsim-box")


def box(
    folder: Path = typer.Argument(_FOLDER, metavar="[DIR]", help=word("cli.box-folder")),
    release: str = typer.Option("noble", "--release", metavar="R", help=word("cli.release")),
    stage: list[str] = typer.Option([], "--stage", metavar="STAGE", help=word("cli.box-stage")),
    json: bool = JSON,
    lang: str | None = LANG,
) -> int:
    """Make a box for Vagrant's libvirt, with its checksum and catalogue, in a folder."""
    from mailsim.lab.vagrant.box import box_name, build  # noqa: PLC0415 - only this command
    from mailsim.model.stage import Release, Stage  # noqa: PLC0415 - too

    spoken = language(chosen_language(lang))
    wanted = Release.of(release)
    stages = [Stage.of(one) for one in stage] or list(Stage)
    with progress("vagrant") as report:
        catalogue = build(wanted, stages, folder, report)
    name = box_name(wanted)
    if json:
        show_json({"folder": str(folder), "catalogue": catalogue.name, "box": name})
    else:
        told = {"folder": folder, "catalogue": catalogue.name, "name": name}
        say(word("vagrant.built", spoken, **told))
    return 0
