"""A notebook's exercises over a running lab: begun, checked, ended, and kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from mailsim.checks import Evidence, Exercise, Values, Verdict, exercises_of
from mailsim.errors import UsageError
from mailsim.lab import attempts, snapshot
from mailsim.lab.attempts import Attempt
from mailsim.language import word

if TYPE_CHECKING:
    from mailsim.lab.lab import Lab

Ask = Callable[..., Any]


def evidence_of(ask: Ask, answer: str = "") -> Evidence:
    """What the lab shows at this moment, asked by its operations."""
    about = snapshot.about(ask("describe"))
    return Evidence(
        dialogues=snapshot.evidence(ask("evidence")),
        mailboxes=snapshot.mailboxes(ask("mailboxes")),
        queue=snapshot.queue(ask("queue")),
        logs=snapshot.logs(ask("logs")["lines"]),
        stage=about.stage,
        faults=about.faults,
        answer=answer,
    )


def judge(ask: Ask, exercise: Exercise, answer: str | None = None) -> Verdict:
    """The exercise's verdict on the lab; None as an answer is the one last given and kept."""
    seed = snapshot.about(ask("describe")).seed
    given = attempts.last_answer(exercise.id, seed) if answer is None else answer
    return exercise.judge(evidence_of(ask, given), seed)


def record(ask: Ask, verdict: Verdict, answer: str = "") -> None:
    """Keep the verdict among the student's attempts."""
    about = snapshot.about(ask("describe"))
    attempts.keep_attempt(
        Attempt(
            at=attempts.now(),
            student=attempts.student(),
            exercise=verdict.exercise,
            passed=verdict.passed,
            reason=verdict.finding.reason,
            backend=about.backend,
            stage=about.stage,
            seed=about.seed,
            answer=answer[:1000],
        )
    )


class Told(str):
    """A sentence that a notebook shows as it is, without quotation marks."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class Exercises:
    """The exercises of one notebook, `number` "01", over the running `lab`.

        exercises = Exercises(lab, "01")
        mine = exercises.begin(1)      # sets up; your own values, by name
        exercises.check(1)             # a self-check, from what the lab saw
        exercises.end(1)               # takes away what begin set up

    `mailsim check 01` in a terminal gives the same verdicts.
    """

    def __init__(self, lab: Lab, number: str) -> None:
        self._lab = lab
        self._number = number
        self._exercises = exercises_of(number)
        self._guesses: dict[int, str] = {}
        from mailsim.lab.mistakes import watch  # noqa: PLC0415 - IPython's, where there is one

        watch()

    def __iter__(self) -> Iterator[Exercise]:
        return iter(self._exercises)

    def __len__(self) -> int:
        return len(self._exercises)

    def __repr__(self) -> str:
        passed = {one.exercise for one in attempts.own_attempts() if one.passed}
        return "\n".join(
            f"{'✔' if one.id in passed else '·'} {one.id} {word(one.title)}" for one in self
        )

    def _exercise(self, number: int) -> Exercise:
        for one in self._exercises:
            if one.id.partition(".")[2] == str(number):
                return one
        known = ", ".join(one.id.partition(".")[2] for one in self._exercises)
        raise UsageError("checks.no-such-exercise", name=number, known=known)

    def predict(self, number: int, guess: str) -> Told:
        """Keep your guess number `number` before you see what happens; what it was is shown."""
        if not (guess := str(guess).strip()):
            return Told(word("checks.no-guess"))
        self._guesses[number] = guess
        name = f"{self._number}.{number}"
        attempts.keep(
            {
                "at": attempts.now(),
                "student": attempts.student(),
                "exercise": name,
                "guess": guess[:1000],
            }
        )
        return Told(word("checks.guess-kept", guess=guess))

    def predicted(self, number: int) -> Told:
        """What you guessed."""
        guess = self._guesses.get(number)
        return Told(word("checks.no-guess") if guess is None else guess)

    def begin(self, number: int) -> Values:
        """Set the exercise up; your own values for it."""
        exercise = self._exercise(number)
        seed = self._lab.seed
        exercise.setup(self._lab, exercise.values(seed))
        return exercise.shown(seed)

    def check(self, number: int, answer: str = "") -> Verdict:
        """Whether it is done, why, and what helps on; kept among your attempts.

        `answer`: where the exercise asks a question.
        """
        exercise = self._exercise(number)
        self._lab.idle()
        given = str(answer)  # a number is an answer too
        verdict = judge(self._lab._ask, exercise, given or None)  # noqa: SLF001 - one house
        record(self._lab._ask, verdict, given)  # noqa: SLF001 - one house
        return verdict

    def end(self, number: int) -> None:
        """Take away what `begin` set up."""
        exercise = self._exercise(number)
        exercise.cleanup(self._lab, exercise.values(self._lab.seed))
