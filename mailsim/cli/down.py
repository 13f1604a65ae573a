"""`mailsim down`: end a running lab."""

from __future__ import annotations

from mailsim.cli.attached import NAME
from mailsim.cli.output import LANG, chosen_language


def down(name: str | None = NAME, lang: str | None = LANG) -> None:
    """End the lab; it is gone when the command returns."""
    from mailsim.lab.attach import end, lab_name  # noqa: PLC0415 - only this command

    chosen_language(lang)
    end(lab_name(name))
