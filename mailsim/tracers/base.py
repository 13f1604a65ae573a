"""What the tracers have in common: connect, say, record, hear, show."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from mailsim.dialogue import Dialogue, Recorder
from mailsim.errors import (
    ConnectionLost,
    ConnectionTimeout,
    LocalProtocolError,
    MailsimError,
    RemoteProtocolError,
    UsageError,
)
from mailsim.model import Endpoint, Protocol, Security
from mailsim.net import Stream, Timeouts, TlsInfo, client_context, clock, endpoint
from mailsim.net.binding import server_end_point
from mailsim.net.closing import Closing
from mailsim.protocol.core import DEFAULT_LIMITS, Core, Limits, Meter, Received
from mailsim.sasl import ChannelBinding
from mailsim.tracers.step import Step
from mailsim.tracers.watcher import Watcher
from mailsim.wire.lines import weight
from mailsim.wire.quirk import NONE, Quirk

C = TypeVar("C", bound=Core[Any, Any])
S = TypeVar("S", bound=Step[Any])

# How much of what could not be understood is kept for the transcript.
_KEPT = 4096


class Tracer(Closing, Generic[C, S]):
    """A client over the core `C` whose every method returns a step `S`.  It connects when made.

    `where`: an Endpoint or "host:port".  `tls`: TLS from the first byte (None:
    by the port).  `ca`: a file of certificates to trust in place of the system's.
    `server_name`: whom the certificate must name and what transcripts show.
    `local_address`: where to connect from.  `watcher`: who is told the dialogue after each
    step.  Raises NetworkErrors, RemoteProtocolError; each carries the `dialogue` so far.
    """

    protocol: ClassVar[Protocol]

    def __init__(
        self,
        where: str | Endpoint,
        *,
        tls: bool | None = None,
        ca: str | Path | None = None,
        server_name: str = "",
        local_address: str = "",
        timeouts: Timeouts | None = None,
        limits: Limits = DEFAULT_LIMITS,
        quirks: frozenset[Quirk] = NONE,
        watcher: Watcher | None = None,
    ) -> None:
        self.endpoint = endpoint(where, self.protocol, tls=tls, server_name=server_name)
        self.tls: TlsInfo | None = None
        self.steps: list[S] = []
        self._context = None if ca is None else client_context(ca)
        self._meter = Meter(limits.exchange)
        self._recorder = recorder = Recorder(self.endpoint, clock)
        # Steps know the recorder, not the tracer that has them: no work for the cycle collector.
        self._so_far = lambda: recorder.dialogue
        self._core = self._new_core(limits, quirks)
        self._open = False
        self._watcher = watcher
        try:
            self._stream = Stream(self.endpoint, timeouts=timeouts, local_address=local_address)
            self._open = True
            self.greeting = self._greet()
        except MailsimError as error:
            self._failed(error)
            self.close()
            raise

    @abstractmethod
    def _new_core(self, limits: Limits, quirks: frozenset[Quirk]) -> C:
        """The protocol's client core."""

    def _greet(self) -> S:
        if self.endpoint.security is Security.IMPLICIT:
            self._start_tls()
        try:
            return self._finish(self._move([]))
        except ConnectionTimeout as error:
            if self.tls is not None or next(self.dialogue.lines(), None) is not None:
                raise
            raise ConnectionTimeout("tracer.no-greeting", **error.params) from None

    @abstractmethod
    def legal(self) -> tuple[str, ...]:
        """The commands that the state allows now, all that is owed taken as granted."""

    # what was said

    @property
    def dialogue(self) -> Dialogue:
        """All that was said so far."""
        return self._recorder.dialogue

    def __repr__(self) -> str:
        state = getattr(self.state, "value", self.state)
        return f"<{type(self).__name__} {self.endpoint}, {'ended' if self.ended else state}>"

    @property
    def state(self) -> object:
        """The core's state."""
        return getattr(self._core, "state", None)

    @property
    def ended(self) -> bool:
        """Whether nothing more can be said: the server or this end has closed."""
        return not self._open or self._core.closed

    # saying

    def send_raw(self, data: str | bytes, *, wait: bool | None = None, note: bool = True) -> S:
        """Send `data` exactly as it is, and hear what it provokes.

        `wait`: None hears the answers that whole commands in `data` will have;
        False hears nothing; True waits for one answer at least.  `note`: remark in
        the dialogue that this was sent by hand.
        """
        if not isinstance(data, (str, bytes, bytearray)):
            raise UsageError("tracer.not-bytes", kind=type(data).__name__)
        raw = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else bytes(data)
        try:
            self._usable()
            self._core.send_raw(raw)
            if note:
                self._recorder.note("note.raw")
            return self._finish(self._move([], wait=wait))
        except MailsimError as error:
            self._failed(error)
            raise

    def listen(self, seconds: float = 1.0) -> S:
        """Hear what comes unasked within `seconds`: an answer that is late, news, a farewell."""
        received: list[Received[Any]] = []
        try:
            self._usable()
            self._stream.begin()
            self._meter.reset()
            self._hear(received, seconds)
        except ConnectionTimeout:
            self._recorder.note("note.silence", seconds=f"{seconds:g}")
        except MailsimError as error:
            self._failed(error)
            raise
        return self._finish(received)

    def close(self) -> None:
        """Close the connection, without a word; the dialogue stays."""
        if self._open:
            self._open = False
            self._stream.close()
            if self._watcher:
                self._watcher.end(self.dialogue)

    # the pump

    def _say(self, *commands: Any) -> S:
        """Send commands, hear their answers."""
        try:
            self._usable()
            for command in commands:
                self._core.send(command)
            return self._finish(self._move([]))
        except MailsimError as error:
            self._core.withdraw()  # of several commands all are said, or none
            self._failed(error)
            raise

    def _say_in_turn(self, first: Any, go_on: Callable[[], bool], then: Any) -> S:
        """Send `first`, hear its answer and, if `go_on` says so, send `then` in the same step."""
        try:
            self._usable()
            self._core.send(first)
            received = self._move([])
            if go_on():
                self._core.send(then)
                received = self._move(received)
            return self._finish(received)
        except MailsimError as error:
            self._failed(error)
            raise

    def _move(
        self, received: list[Received[Any]], *, wait: bool | None = None
    ) -> list[Received[Any]]:
        """Move bytes until the server owes nothing; the handshake where it agreed to TLS."""
        core = self._core
        self._stream.begin()
        self._meter.reset()
        self._flush()
        while (core.waiting and wait is not False) or (wait and not received):
            self._hear(received, None)
            self._flush()
        if core.tls_pending:
            self._upgrade()
            while core.waiting:
                self._hear(received, None)
        return received

    def _hear(self, received: list[Received[Any]], timeout: float | None) -> None:
        """One reading of the stream, and all that it completes.

        Nothing whole stays in the core, so that what comes unasked is never taken
        for the answer to what is said next.
        """
        core = self._core
        data = self._stream.read(timeout)
        core.receive(data)
        while (event := core.next_event()) is not None:
            self._meter.add(sum(map(weight, event.units)), len(event.units))
            self._recorder.server(event.units)
            received.append(event)
        if not data:
            raise ConnectionLost("net.closed", server=self.endpoint.server)

    def _flush(self) -> None:
        units = self._core.outgoing()
        if units:
            self._recorder.client(units)
            self._stream.write(units[0] if len(units) == 1 else b"".join(units))

    def _finish(self, received: list[Received[Any]]) -> S:
        step = self._step(received)
        self.steps.append(step)
        if self._watcher:
            self._watcher.step(self.dialogue)
        if self._core.closed:
            self.close()
        return step

    @abstractmethod
    def _step(self, received: list[Received[Any]]) -> S:
        """The step that the open exchange makes."""

    # TLS

    def _upgrade(self) -> None:
        """After a positive answer to STARTTLS: the handshake, noted in the same step.

        Octets that came in the clear behind the answer would be taken for part of
        the protected dialogue: an injection, and the end (RFC 3207 §4.2 has the
        client forget what it learnt in the clear).
        """
        injected = self._core.unread()
        if injected:
            self._recorder.server((injected[:_KEPT],))
            self._recorder.note("note.injected", octets=str(len(injected)))
            raise RemoteProtocolError("tracer.injected", octets=len(injected))
        self._start_tls()
        self._core.tls_started()

    def _start_tls(self) -> None:
        # Without a CA file the system's are loaded when needed: that takes a while.
        self.tls = self._stream.start_tls(self._context or client_context())
        self._recorder.secure = True
        self._recorder.note("note.tls", version=self.tls.version, cipher=self.tls.cipher)

    def _channel_binding(self) -> ChannelBinding | None:
        layer = self._stream.tls if self._open else None
        return None if layer is None else server_end_point(layer.server_certificate())

    # errors

    def _usable(self) -> None:
        if self.ended:
            raise LocalProtocolError("net.ended", server=self.endpoint.server)

    def _failed(self, error: MailsimError) -> None:
        """Give the error the dialogue so far; after what cannot be mended, hang up.

        A handshake that was given up half-way cannot be mended either.
        """
        over = isinstance(error, (RemoteProtocolError, ConnectionLost)) or self._core.tls_pending
        if over:
            self._keep_rest("note.cut" if isinstance(error, ConnectionLost) else "note.broken")
            self.close()
        error.dialogue = self.dialogue

    def _keep_rest(self, note: str) -> None:
        rest = self._core.unread()
        if rest:
            self._recorder.server((rest[:_KEPT],))
            self._recorder.note(note, octets=str(len(rest)))
