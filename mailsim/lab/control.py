"""The control port: a lab asked from another process, over loopback, by who holds its token.

A line is a JSON value.  The client's first line is its token, each further one a request; the
server answers each request with a line:

    C: {"mailsim-control": 1, "token": "…"}
    C: {"ask": "fault", "with": {"name": "F8", "on": true}}
    S: {"answer": ["F8"]}                  or {"error": {"kind": …, "id": …, "params": {…}}}

Without the token, with another version or with more octets than a line may have, it is closed.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol

from mailsim.lab.client import KEY, LONGEST_ANSWER, LONGEST_REQUEST, VERSION
from mailsim.lab.errors import bad_request, check_size, error_document

if TYPE_CHECKING:
    from mailsim.net.serving import Listener, Peer

_LONGEST_HELLO: Final = 512
_HELLO_SECONDS: Final = 5.0
_CLIENTS: Final = 64
# Who has not shown the token yet; one more, and the first of them must go.
_STRANGERS: Final = 32


class Site(Protocol):
    """A lab that answers what it is asked.  Raises MailsimError."""

    async def perform(self, name: str, parameters: Mapping[str, Any]) -> Any: ...


async def serve_control(site: Site, token: str, ended: Callable[[], None]) -> Listener:
    """Listen; `ended` is called when somebody has asked the lab to stop, and been answered."""
    from mailsim.net.serving import serve  # noqa: PLC0415 - asyncio, for a lab alone

    strangers = _Strangers()

    async def handle(peer: Peer) -> None:
        await _Session(site, token, ended, peer).run(strangers)

    return await serve(handle, limit=_CLIENTS + _STRANGERS)


class _Strangers:
    """Connections without the token, the oldest first: they cannot keep those with it out."""

    def __init__(self) -> None:
        self._peers: dict[Peer, None] = {}

    def add(self, peer: Peer) -> None:
        """Another has come."""
        self._peers[peer] = None
        if len(self._peers) > _STRANGERS:
            oldest = next(iter(self._peers))
            self.remove(oldest)
            oldest.abort()

    def remove(self, peer: Peer) -> None:
        """It has shown the token, or is gone."""
        self._peers.pop(peer, None)


class _Session:
    def __init__(self, site: Site, token: str, ended: Callable[[], None], peer: Peer) -> None:
        self._site = site
        self._token = token
        self._ended = ended
        self._peer = peer
        self._buffer = bytearray()

    async def run(self, strangers: _Strangers) -> None:
        """Hear the token, then answer request by request."""
        strangers.add(self._peer)
        try:
            hello = await self._hello()
        finally:
            strangers.remove(self._peer)
        if hello is None or not self._welcome(hello):
            self._peer.abort()
            return
        while (line := await self._line(LONGEST_REQUEST)) is not None:
            asked, reply = await self._reply(line)
            self._peer.write(reply + b"\n")
            await self._peer.drain()
            if asked == "stop":
                self._ended()

    async def _hello(self) -> bytes | None:
        """The first line, None where it is not whole in time, however it drips."""
        try:
            async with asyncio.timeout(_HELLO_SECONDS):
                return await self._line(_LONGEST_HELLO)
        except TimeoutError:
            return None

    async def _line(self, limit: int) -> bytes | None:
        """The next line, None at the end or where it is longer than `limit`."""
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            data = await self._peer.read()
            if not data or searched > limit:
                return None
            self._buffer += data
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line if end <= limit else None

    def _welcome(self, hello: bytes) -> bool:
        value = _json(hello)
        if not isinstance(value, dict) or value.get(KEY) != VERSION:
            return False
        # In constant time: how long it takes tells nothing of how much was right.
        given = str(value.get("token")).encode("utf-8", "replace")
        return hmac.compare_digest(given, self._token.encode())

    async def _reply(self, asked: bytes) -> tuple[str, bytes]:
        request = _json(asked)
        try:
            name, parameters = _request(request)
            answer = await self._site.perform(name, parameters)
            line = json.dumps({"answer": answer}).encode()
            check_size(name, line, LONGEST_ANSWER)
        except Exception as error:  # noqa: BLE001 - whatever was asked, the lab lives on
            return "", json.dumps({"error": error_document(error)}).encode()
        return name, line


def _json(line: bytes) -> object:
    """The value, None for what is no JSON."""
    try:
        value: object = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value


def _request(value: object) -> tuple[str, dict[str, Any]]:
    if not isinstance(value, dict):
        raise bad_request("", "")
    name, parameters = value.get("ask"), value.get("with", {})
    if not isinstance(name, str) or not isinstance(parameters, dict):
        raise bad_request(str(name), "with")
    return name, parameters
