"""`mailsim check LAB`: the verdicts that the notebook's check cells give, in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from mailsim.cli.attached import NAME
from mailsim.cli.output import JSON, LANG, chosen_language, say, show_json
from mailsim.errors import UsageError
from mailsim.language import language, word

if TYPE_CHECKING:
    from mailsim.checks import Exercise, Verdict
    from mailsim.lab.attempts import Attempt
    from mailsim.lab.backend import Backend


def check(
    lab: str = typer.Argument(..., metavar="LAB", help=word("checks.help-lab")),
    begin: bool = typer.Option(False, "--begin", help=word("checks.help-begin")),
    answer: str | None = typer.Option(None, "--answer", help=word("checks.help-answer")),
    name: str | None = NAME,
    json: bool = JSON,
    lang: str | None = LANG,
) -> int:
    """Judge the lab's evidence; exit code 1 where an exercise has never passed."""
    from mailsim.checks import exercise, exercises_of  # noqa: PLC0415 - only this command
    from mailsim.lab.attach import attach  # noqa: PLC0415 - too
    from mailsim.lab.attempts import attempts_file, own_attempts  # noqa: PLC0415 - too

    spoken = language(chosen_language(lang))
    chosen = (exercise(lab),) if "." in lab else exercises_of(lab)
    if (begin or answer is not None) and len(chosen) > 1:
        raise UsageError("checks.one-exercise", name=lab, known=", ".join(one.id for one in chosen))
    backend = attach(name)
    if begin:
        return _begin(backend, chosen[0], name, spoken)
    earlier = {one.exercise: one for one in own_attempts() if one.passed}
    verdicts = [_judged(backend, one.id, answer) for one in chosen]
    done = [one.passed or one.exercise in earlier for one in verdicts]
    if json:
        show_json(
            {"mailsim-check": 1, "verdicts": [_document(v, earlier, spoken) for v in verdicts]}
        )
    else:
        for one in verdicts:
            _say(one, earlier.get(one.exercise), spoken)
        say(word("checks.kept-in", spoken, done=sum(done), all=len(done), file=attempts_file()))
    return 0 if all(done) else 1


def _begin(backend: Backend, exercise: Exercise, name: str | None, lang: str) -> int:
    """Set the exercise up, and say what the student needs for it."""
    from mailsim.lab.lab import Lab  # noqa: PLC0415 - only to begin

    say(f"{exercise.id} {word(exercise.title, lang)}", "bold")
    seed = backend.ask("describe")["seed"]
    with Lab(name=name) as there:
        exercise.setup(there, exercise.values(seed))
    say(repr(exercise.shown(seed)))
    return 0


def _judged(backend: Backend, name: str, answer: str | None) -> Verdict:
    from mailsim.checks import exercise  # noqa: PLC0415 - only this command
    from mailsim.lab.exercises import judge, record  # noqa: PLC0415 - too

    verdict = judge(backend.ask, exercise(name), answer)
    record(backend.ask, verdict, answer or "")
    return verdict


def _say(verdict: Verdict, earlier: Attempt | None, lang: str) -> None:
    say(verdict.text(lang), "green" if verdict.passed else "")
    if earlier and not verdict.passed:
        say(f"  {word('checks.earlier', lang, at=earlier.at)}")
    say("")


def _document(verdict: Verdict, earlier: dict[str, Attempt], lang: str) -> dict[str, object]:
    before = earlier.get(verdict.exercise)
    return {**verdict.document(lang), "passed_before": before.at if before else None}
