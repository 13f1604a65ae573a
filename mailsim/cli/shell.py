"""`mailsim shell`: a shell in the container of a running lab."""

from __future__ import annotations

import subprocess

from mailsim.cli.attached import NAME
from mailsim.cli.output import LANG, chosen_language
from mailsim.errors import LabError


def shell(name: str | None = NAME, lang: str | None = LANG) -> int:
    """Open it, as root on the server; its exit code."""
    from mailsim.lab.attach import attach  # noqa: PLC0415 - only this command

    chosen_language(lang)
    about = attach(name).ask("describe")
    if "shell" not in about:
        raise LabError("container.no-shell", name=about["name"], backend=about["backend"])
    return subprocess.run(about["shell"], check=False).returncode  # noqa: S603 - the lab's own words
