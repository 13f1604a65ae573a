"""What differs from student to student: drawn from the lab's seed, the same each time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256

from mailsim.language import word

WORDS = (
    "acacia", "balafon", "baobab", "bissap", "djembe", "dune", "fleuve", "hibiscus", "kora",
    "mangrove", "mbalax", "pelican", "pirogue", "sabar", "tamarin", "teranga",
)  # fmt: skip
LOCAL_USERS = ("autre_user", "cheikh", "mactar")
"""Who can be written to at minfo.sn, apart from user, who writes."""


class Values(Mapping[str, str]):
    """A student's own values for one exercise, by name."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        width = max(map(len, self), default=0)
        rows = (f"{name:<{width}}  {value}" for name, value in self.items())
        return "\n".join(rows) or word("checks.no-values")


class Draw:
    """Draws for one exercise of one lab: the same seed draws the same."""

    def __init__(self, seed: str, exercise: str) -> None:
        self._key = f"{seed}/{exercise}"

    def number(self, name: str, below: int) -> int:
        """A number from 0 to `below` - 1."""
        digest = sha256(f"{self._key}/{name}".encode()).digest()
        return int.from_bytes(digest[:8], "big") % below

    def one(self, name: str, among: Sequence[str]) -> str:
        """One of them."""
        return among[self.number(name, len(among))]

    def some(self, name: str, among: Sequence[str], count: int) -> tuple[str, ...]:
        """`count` different ones, in an order of their own."""
        left = list(among)
        numbers = (self.number(f"{name}/{at}", len(left) - at) for at in range(count))
        return tuple([left.pop(number) for number in numbers])

    def word(self, name: str) -> str:
        """A word and a number that nobody types by chance: "kora-217"."""
        return f"{self.one(name, WORDS)}-{100 + self.number(f'{name}/number', 900)}"

    def subject(self, name: str = "subject") -> str:
        """The same as a Subject: "Kora 217"."""
        return self.word(name).replace("-", " ").capitalize()
