"""`mailsim reset`: the pristine stage again."""

from __future__ import annotations

from mailsim.cli.attached import NAME, STAGE
from mailsim.cli.output import JSON, LANG, chosen_language, say, show_json
from mailsim.language import language, word


def reset(
    stage: str | None = STAGE,
    name: str | None = NAME,
    json: bool = JSON,
    lang: str | None = LANG,
) -> None:
    """Forget mail, faults and evidence; print the fingerprint of what is there now."""
    from mailsim.lab.attach import attach  # noqa: PLC0415 - only this command
    from mailsim.lab.snapshot import Fingerprint  # noqa: PLC0415 - too
    from mailsim.model.stage import Stage  # noqa: PLC0415 - too

    spoken = language(chosen_language(lang))
    wanted = "" if stage is None else Stage.of(stage).value
    backend = attach(name)
    fingerprint = Fingerprint(backend.ask("reset", stage=wanted))
    if json:
        show_json(dict(fingerprint))
        return
    say(word("cli.reset-done", spoken, stage=backend.ask("describe")["stage"]))
    say(repr(fingerprint))
