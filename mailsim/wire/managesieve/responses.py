"""Responses: OK, NO or BYE, with a code, a text, and the data that came before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from mailsim.errors import RemoteProtocolError, UsageError
from mailsim.wire.managesieve.commands import Form
from mailsim.wire.managesieve.frames import Frame, FrameReader
from mailsim.wire.managesieve.items import Atom, Item, atom, encode, parse_items
from mailsim.wire.outcome import Outcome
from mailsim.wire.quirk import NONE, Quirk


class Status(Enum):
    """The word that ends a response."""

    OK = "OK"
    NO = "NO"
    BYE = "BYE"


_OUTCOMES = {
    Status.OK: Outcome.SUCCESS,
    Status.NO: Outcome.PERMANENT,
    Status.BYE: Outcome.CLOSING,
}


@dataclass(frozen=True, slots=True)
class Response:
    """A whole response.

    `code` is the response code in capitals ("QUOTA/MAXSIZE"), "" for none, and
    `arguments` what stands behind it; `text` is for people.  `data` are the lines
    before: capabilities, script names, a script; each a tuple of items.
    """

    status: Status
    text: str = ""
    code: str = ""
    arguments: tuple[Item, ...] = ()
    data: tuple[tuple[Item, ...], ...] = ()

    def __post_init__(self) -> None:
        if self.code:
            atom(self.code)
        elif self.arguments:
            raise UsageError("managesieve.arguments-without-code")

    @property
    def ok(self) -> bool:
        """Whether it is OK."""
        return self.status is Status.OK

    @property
    def outcome(self) -> Outcome:
        """What the response comes to; TRYLATER is for a temporary failure (RFC 5804 §1.3)."""
        if self.status is Status.NO and self.code.split("/")[0] == "TRYLATER":
            return Outcome.TEMPORARY
        return _OUTCOMES[self.status]

    def units(self) -> tuple[bytes, ...]:
        """The bytes as they travel: lines, and literals as blocks.

        response-oknobye = ("OK" / "NO" / "BYE") [SP "(" resp-code ")"] [SP string] CRLF
                                                               ; RFC 5804 §4
        """
        units: list[bytes] = []
        for line in self.data:
            units += encode(line, plus=False)
        last: list[Item] = [atom(self.status.value)]
        if self.code:
            last.append((atom(self.code), *self.arguments))
        if self.text:
            last.append(self.text.encode("utf-8", "surrogateescape"))
        return (*units, *encode(last, plus=False))

    def __str__(self) -> str:
        code = f" ({self.code})" if self.code else ""
        return f"{self.status.value}{code}{f' {self.text}' if self.text else ''}"


@dataclass(frozen=True, slots=True)
class Challenge:
    """A string inside AUTHENTICATE: base64, for the client to answer (RFC 5804 §2.1)."""

    token: bytes

    @property
    def ok(self) -> bool:
        """Whether it is OK: not yet."""
        return False

    @property
    def outcome(self) -> Outcome:
        """The server waits for an answer."""
        return Outcome.INTERMEDIATE

    def units(self) -> tuple[bytes, ...]:
        """The string as it travels."""
        return encode((self.token,), plus=False)

    def __str__(self) -> str:
        return self.token.decode("ascii", "backslashreplace")


class ResponseReader:
    """Fed with what comes; gives whole responses and challenges, each with its units."""

    def __init__(
        self,
        line: int,
        block: int,
        spend: Callable[[int], None],
        quirks: frozenset[Quirk] = NONE,
    ) -> None:
        self._frames = FrameReader(line, block, spend, plus=False, quirks=quirks)
        self._data: list[tuple[Item, ...]] = []
        self._units: list[bytes] = []

    def feed(self, data: bytes) -> None:
        """Append what has arrived."""
        self._frames.feed(data)

    @property
    def begun(self) -> bool:
        """Whether there are bytes that no response has used."""
        return bool(self._units or len(self._frames))

    def unread(self) -> bytes:
        """Take out all bytes that no response has used."""
        begun = b"".join((*self._units, self._frames.unread()))
        self._data, self._units = [], []
        return begun

    def next(self, form: Form) -> tuple[Response | Challenge, tuple[bytes, ...]] | None:
        """The next response or challenge, or None until it is whole.

        `form` says what may come before the response.  Raises RemoteProtocolError.
        """
        while (frame := self._frames.next()) is not None:
            self._units += frame.units
            items = parse_items(frame.parts)
            if items and isinstance(items[0], Atom):
                return self._done(_response(items, frame, tuple(self._data)))
            if not items or not isinstance(items[0], bytes) or form is Form.PLAIN:
                raise _unreadable(frame)
            if form is Form.SASL:
                return self._done(_challenge(items, frame))
            self._data.append(items)
        return None

    def _done(self, value: Response | Challenge) -> tuple[Response | Challenge, tuple[bytes, ...]]:
        units = tuple(self._units)
        self._data, self._units = [], []
        return value, units


def _challenge(items: tuple[Item, ...], frame: Frame) -> Challenge:
    (token, *more) = items
    if more or not isinstance(token, bytes):
        raise _unreadable(frame)
    return Challenge(token)


def _response(
    items: tuple[Item, ...], frame: Frame, data: tuple[tuple[Item, ...], ...]
) -> Response:
    word, *rest = items
    code: tuple[Item, ...] = ()
    if rest and isinstance(rest[0], tuple):
        code = rest.pop(0)  # type: ignore[assignment]  # it is a tuple, as just seen
    text = rest.pop(0) if rest else b""
    if rest or not isinstance(text, bytes) or str(word).upper() not in Status.__members__:
        raise _unreadable(frame)
    if code and not isinstance(code[0], Atom):
        raise _unreadable(frame)
    return Response(
        Status(str(word).upper()),
        text.decode("utf-8", "surrogateescape"),
        str(code[0]).upper() if code else "",
        code[1:],
        data,
    )


def _unreadable(frame: Frame) -> RemoteProtocolError:
    shown = b"".join(frame.units)[:80].rstrip().decode("utf-8", "backslashreplace")
    return RemoteProtocolError("managesieve.bad-response", line=shown)


def capability_data(capabilities: Mapping[str, str | None]) -> tuple[tuple[Item, ...], ...]:
    """The data lines that tell `capabilities`; None for one without a value.

    single-capability = capability-name [SP string] CRLF     ; RFC 5804 §4
    """
    return tuple(
        (name.encode(),) if value is None else (name.encode(), value.encode())
        for name, value in capabilities.items()
    )
