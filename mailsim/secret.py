"""A value that does not show itself."""

from __future__ import annotations

MASK = "[…]"


class Secret:
    """Bytes that no rendering shows: `str`, `repr` and `format` give a mask.

    Equal to another Secret of the same bytes.  `reveal()` is the one way to the
    bytes, so that every place that reads them can be found by its name.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str | bytes) -> None:
        self._value = value.encode() if isinstance(value, str) else bytes(value)

    @classmethod
    def of(cls, value: str | bytes | Secret) -> Secret:
        """`value` itself if it is a Secret already, else a Secret around it."""
        return value if isinstance(value, Secret) else cls(value)

    def reveal(self) -> bytes:
        """The secret's bytes."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __len__(self) -> int:
        return len(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __str__(self) -> str:
        return MASK

    def __repr__(self) -> str:
        return f"Secret({MASK})"
