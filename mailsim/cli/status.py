"""`mailsim status`: what a running lab is, and how it stands."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from mailsim.cli.attached import NAME, state_word
from mailsim.cli.output import JSON, LANG, chosen_language, say, show_json
from mailsim.language import language, word
from mailsim.model.stage import Release

_LINES = 5


def status(name: str | None = NAME, json: bool = JSON, lang: str | None = LANG) -> None:
    """Stage, faults, clock, queue, mailboxes, the last lines of the log."""
    from mailsim.lab.attach import attach  # noqa: PLC0415 - only this command

    spoken = language(chosen_language(lang))
    backend = attach(name)
    about = backend.ask("describe")
    found = {
        **{key: about[key] for key in ("name", "backend", "release", "stage", "seed", "fixed")},
        "pid": about["pid"],
        "endpoints": about["endpoints"],
        "ca": about["ca"],
        "clock": _time(about["clock"]),
        "faults": about["faults"],
        "disturbances": backend.ask("disturbances"),
        "queue": backend.ask("queue"),
        "mailboxes": backend.ask("counts"),
        "log": backend.ask("logs", since=-_LINES)["lines"],
    }
    if json:
        show_json({"mailsim-status": 1, **found})
    else:
        _show(found, spoken)


def _time(clock: float) -> str:
    return datetime.fromtimestamp(clock, UTC).isoformat(timespec="seconds")


def _show(found: dict[str, Any], lang: str) -> None:
    kind = "cli.status-fixed" if found["fixed"] else "cli.status-random"
    say(word("cli.status-lab", lang, **{key: found[key] for key in ("name", "backend", "pid")}))
    say(_stage(found, lang))
    for name, one in found["endpoints"].items():
        if one["port"]:
            say(f"  {name:<12} {one['host']}:{one['port']}  {state_word(one, lang)}")
    say(word("cli.status-ca", lang, ca=found["ca"]))
    say(word(kind, lang, seed=found["seed"], clock=found["clock"]))
    say(word("cli.status-faults", lang, faults=", ".join(found["faults"]) or "-"))
    rules = ", ".join(str(one.get("name")) for one in found["disturbances"])
    say(word("cli.status-disturbances", lang, rules=rules or "-"))
    say(word("cli.status-queue", lang, count=len(found["queue"])))
    boxes = ", ".join(
        f"{user} {box} {count}"
        for user, counts in found["mailboxes"].items()
        for box, count in counts.items()
    )
    say(word("cli.status-mailboxes", lang, boxes=boxes or "-"))
    if found["log"]:
        say(word("cli.status-log", lang))
    for line in found["log"]:
        say(f"  {line}", "dim")


def _stage(found: dict[str, Any], lang: str) -> str:
    """Stage and release, with what the release behaves like."""
    release = Release.of(found["release"])
    postfix, dovecot = (".".join(map(str, one)) for one in (release.postfix, release.dovecot))
    return word(
        "cli.status-stage",
        lang,
        stage=found["stage"],
        release=found["release"],
        postfix=postfix,
        dovecot=dovecot,
    )
