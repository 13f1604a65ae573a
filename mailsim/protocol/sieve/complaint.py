"""What is wrong in a script, said to a person or as Pigeonhole says it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from mailsim.language import language, word
from mailsim.protocol.sieve.syntax import NOWHERE, Place
from mailsim.protocol.sieve.wording import PIGEONHOLE

_SHOWN = 128


class Severity(Enum):
    """An error refuses the script, or ends its run; a warning does neither."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Term:
    """A word of the grammar that has a name in each language: "a string", "une chaîne"."""

    message_id: str
    pigeonhole: str
    params: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return self.pigeonhole.format(**dict(self.params))

    def worded(self, lang: str | None = None) -> str:
        """The word in `lang`."""
        return word(self.message_id, language(lang), **dict(self.params))


@dataclass(frozen=True, slots=True)
class Complaint:
    """One error or warning: an id with parameters, worded when it is shown.

    `script` names the script, as Pigeonhole's lines begin; `place` is (0, 0) where no place
    is to blame.
    """

    message_id: str
    params: dict[str, object]
    place: Place = NOWHERE
    script: str = "main script"
    severity: Severity = Severity.ERROR
    located: bool = True
    """Whether Pigeonhole tells the place: it does not of most of what goes wrong in a run."""
    theirs: Wrong | None = None
    """What Pigeonhole says of it, where a person is told something else."""
    follows: bool = False
    """Whether it only follows from the complaint before: Pigeonhole tells it, a person does not ask."""

    @classmethod
    def of(cls, wrong: Wrong, script: str, severity: Severity = Severity.ERROR) -> Complaint:
        """What is wrong, as a complaint about a script."""
        return cls(
            wrong.message_id, wrong.params, wrong.place, script, severity,
            theirs=wrong.theirs, follows=wrong.follows,
        )  # fmt: skip

    @property
    def line(self) -> int:
        """The line in the script, from 1; 0: none."""
        return self.place.line

    @property
    def column(self) -> int:
        """The octet in the line, from 1; 0: none."""
        return self.place.column

    def worded(self, lang: str | None = None) -> str:
        """A person's sentence, without the place."""
        spoken = language(lang)
        shown = {name: _worded(value, spoken) for name, value in self.params.items()}
        return word(self.message_id, spoken, **shown)

    @property
    def pigeonhole(self) -> str:
        """ "main script: line 3: error: unknown command 'foo' (…).", as Pigeonhole's log has it."""
        said = self.theirs or self
        shown = {name: _shown(value) for name, value in said.params.items()}
        text = PIGEONHOLE[said.message_id].format(**shown)
        where = f"line {said.place.line}: " if said.place.line else ""
        script = f"{self.script}: {where}" if self.located else ""
        return f"{script}{self.severity.value}: {text}."

    def to_json(self, lang: str | None = None) -> dict[str, object]:
        """Its JSON form."""
        return {
            "id": self.message_id,
            "severity": self.severity.value,
            "script": self.script,
            "line": self.line,
            "column": self.column,
            "text": self.worded(lang),
            "pigeonhole": self.pigeonhole,
        }


class Wrong(Exception):
    """What a checker of one command raises: the command is wrong, the others are looked at still."""

    def __init__(self, message_id: str, place: Place = NOWHERE, /, **params: object) -> None:
        super().__init__(message_id)
        self.message_id = message_id
        self.place = place
        self.params = params
        self.theirs: Wrong | None = None
        self.follows = False

    def told(self, message_id: str = "", place: Place | None = None, /, **params: object) -> Wrong:
        """The same for a person, who is told another sentence, or another place.

        Pigeonhole's sentence and line stay what they are.
        """
        made = Wrong(
            message_id or self.message_id,
            place or self.place,
            **({} if message_id else self.params),
            **params,
        )
        made.theirs, made.follows = self.theirs or self, self.follows
        return made

    def following(self) -> Wrong:
        """The same, known to follow from what is told of already."""
        made = self.told()
        made.follows = True
        return made


def shown(octets: bytes, most: int = _SHOWN) -> str:
    """A value from script or message for a person: its start, control characters harmless."""
    text = octets.decode("utf-8", "replace").replace("\N{REPLACEMENT CHARACTER}", "?")
    return clean(text if len(text) <= most else text[: most - 3] + "...")


def clean(text: str) -> str:
    """`text` with "?" for what could command a terminal or break a line."""
    return "".join(one if one.isprintable() else "?" for one in text)


def _shown(value: object) -> object:
    return clean(value) if isinstance(value, str) else value


def _worded(value: object, lang: str) -> object:
    if isinstance(value, Term):
        return value.worded(lang)
    return _shown(value)
