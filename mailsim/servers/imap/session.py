"""One IMAP connection from greeting to goodbye: which command comes when, and what is told unasked."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NoReturn

from mailsim.errors import RemoteProtocolError
from mailsim.protocol.core import Limits, Received
from mailsim.protocol.imap.server import Event, ImapServer, Malformed, Tagged
from mailsim.servers.dovecot import Channel, ClosedError
from mailsim.servers.dovecot.journal import CLOSED
from mailsim.servers.dovecot.wording import SHUTTING_DOWN, greeting
from mailsim.servers.imap import capabilities, replies
from mailsim.servers.imap.command import AnsweredError, Asked, RefusedError, Sync
from mailsim.servers.imap.commands import entry_of
from mailsim.servers.imap.ending import doing
from mailsim.servers.imap.literals import admits
from mailsim.servers.imap.replies import Reply
from mailsim.servers.imap.searching import Context, added, removed
from mailsim.servers.imap.view import View
from mailsim.servers.imap.words import read_line
from mailsim.servers.store.values import NoSuchMailboxError
from mailsim.wire.imap.codes import Code
from mailsim.wire.imap.response_writer import write_response
from mailsim.wire.imap.responses import Continuation, Response, Status
from mailsim.wire.quirk import Quirk

if TYPE_CHECKING:
    import ssl

    from mailsim.servers.world import World

LINE_LIMIT = 65_536  # imap_max_line_length
_BAD_BEFORE = 3  # CLIENT_MAX_BAD_COMMANDS of the login process
_BAD_AFTER = 20  # and of imap
_IDLE_TIMEOUT = 1800.0  # CLIENT_IDLE_TIMEOUT_MSECS; RFC 3501 §5.4 asks for 30 minutes at least
_UNSAYABLE = re.compile("[\r\n\0\ud800-\udfff]")
CHUNK = 65_536
"""So much is gathered before it is sent."""


class ImapSession(Channel[Response, Event]):
    """`await ImapSession(world, "imap" or "imaps", tls=…).run(peer)`."""

    core: ImapServer

    def __init__(
        self, world: World, service: str, *, tls: Callable[[str], ssl.SSLContext | None]
    ) -> None:
        super().__init__(world, service, "imap", tls=tls)
        self.core = ImapServer(
            limits=Limits(line=LINE_LIMIT),
            quirks=frozenset({Quirk.BARE_LF, Quirk.CUT_LINE}),
            ready=Continuation(replies.READY),
            admit=lambda units, literal: admits(self, units, literal),
        )
        self.view: View | None = None
        self.contexts: dict[str, Context] = {}
        """The searches whose changes are told, by their tags."""
        self.enabled: set[str] = set()
        self.counted = {"deleted": 0, "expunged": 0, "trashed": 0}
        self.read: Counter[str] = Counter()
        """What FETCH has read, as the log tells it."""
        self.asks_capability = False
        """Whether the client said CAPABILITY before STARTTLS and login."""
        self._bad = 0
        self._finished = ""
        self._at = 0.0
        """When the last command was answered, and which it was."""

    # the connection's life

    async def serve(self) -> None:
        """Greet, and answer until the end."""
        try:
            await self._greet()
            while not self.over:
                await self._take(await self.event())
                await self.be_fair()
        except RemoteProtocolError as error:
            await self._broken(error)
        finally:
            self.leave()

    async def _greet(self) -> None:
        if await self.disturbed("GREETING"):
            return
        code = Code("CAPABILITY", self.capabilities())
        await self.say(Status("OK", greeting(self.config.release), code))

    async def _broken(self, error: RemoteProtocolError) -> NoReturn:
        big = error.message_id == "imap.literal-too-long"
        text = replies.LITERAL_TOO_BIG if big else replies.BUFFER_FULL
        await self.hang_up(text, text)

    def bye(self, text: str) -> bytes:
        return b"".join(write_response(Status("BYE", text)))

    def shutdown(self) -> bytes:
        return self.bye(replies.SHUTTING_DOWN) if self.user else super().shutdown()

    def ended(self, reason: str) -> None:
        if self.user and reason == SHUTTING_DOWN:
            reason = replies.SHUTTING_DOWN
        if self.user and reason == CLOSED:
            ago = max(0.0, self.world.clock.now() - self._at)
            reason = f"{CLOSED} ({doing(self.core, self._finished, ago)})"
        super().ended(reason)

    def counts(self) -> str:
        told = {"in": self.received, "out": self.sent, **self.counted}
        read = ("hdr_count", "hdr_bytes", "body_count", "body_bytes")
        told.update((name, self.read[name]) for name in read)
        return " ".join(f"{name}={count}" for name, count in told.items())

    async def _read(self) -> bytes:
        if self.core.overlong and not self.user:  # it need not end to end the connection
            raise RemoteProtocolError("wire.line-too-long", limit=LINE_LIMIT)
        return await super()._read()

    @property
    def patience(self) -> float:
        return _IDLE_TIMEOUT if self.user else super().patience

    async def event(self) -> Received[Event]:
        found = await super().event()
        self._take_prompts()
        return found

    async def flush(self) -> None:
        self._take_prompts()
        await super().flush()

    def _take_prompts(self) -> None:
        """What the core says by itself: "+", where a literal waits to be asked for."""
        self._out += b"".join(self.core.outgoing())

    async def answer_instead(self, text: str) -> None:
        """`NO [UNAVAILABLE] Try again later`, tagged; the greeting's untagged."""
        condition, _, rest = text.partition(" ")
        if condition.upper() not in ("OK", "NO", "BAD", "BYE", "PREAUTH"):
            condition, rest = "BAD", text
        tag = self.core.current_tag if condition.upper() not in ("BYE", "PREAUTH") else None
        await self.say(Status(condition.upper(), rest, tag=tag))
        if condition.upper() == "BYE":
            raise ClosedError("Disturbed")

    # what is known of the client

    @property
    def user(self) -> str:
        """Who is logged in, or ""."""
        return self.login.user

    @property
    def rev2(self) -> bool:
        """Whether the client has chosen IMAP4rev2 (RFC 9051 §6.3.1)."""
        return "IMAP4REV2" in self.enabled

    def capabilities(self) -> tuple[str, ...]:
        """What is offered now."""
        release = self.config.release
        if self.user:
            quota = self.world.store.quota(self.user)
            limited = bool(quota.octets_limit or quota.messages_limit)
            return capabilities.after_login(release, quota=limited)
        login = self.login
        return capabilities.before_login(
            release, login.mechanisms, starttls=self.offers_tls, cleartext=login.cleartext
        )

    # commands

    async def _take(self, event: Received[Event]) -> None:
        value = event.value
        if not isinstance(value, Tagged | Malformed):  # a line that nobody waits for
            return
        line = read_line(event.units[0])
        command = value.command if isinstance(value, Tagged) else None
        asked = Asked(value.tag or "", line.name, event.units, line.rest, command, not self.user)
        if await self._unreadable(asked, value):
            return
        if await self.disturbed(asked.name):
            return
        with contextlib.suppress(AnsweredError):
            await self.answer(asked, await self._done(asked))

    async def _unreadable(self, asked: Asked, value: Tagged | Malformed) -> bool:
        """Lines that are answered before they are a command."""
        if self.user and asked.name and asked.units[-1].endswith(b"\n"):
            return False
        if not asked.units[-1].endswith(b"\n"):  # cut at the limit
            if not self.user:
                await self.hang_up(replies.BUFFER_FULL, replies.BUFFER_FULL)
            await self.answer(asked, replies.error(asked.name, replies.TOO_LONG))
            return True
        if self.user:
            await self.answer(asked, replies.BAD_NAME if value.tag else replies.BAD_TAG)
            return True
        if not asked.name:
            await self.answer(asked, replies.LOGIN_ERROR)
            return True
        return False

    async def _done(self, asked: Asked) -> Reply:
        entry = entry_of(asked.name, self.config.release, logged_in=bool(self.user))
        if entry is None:
            if not self.user:
                return replies.LOGIN_ERROR
            return replies.error(asked.name, replies.UNKNOWN)
        try:
            if entry.selected and self.view is None:
                return replies.NOT_SELECTED
            reply = await entry.handler(self, asked)
        except RefusedError as refused:
            return refused.reply
        except NoSuchMailboxError:
            await self._inconsistent()
        expunged = await self.tell(entry.sync, asked)
        if expunged and reply.code is None:
            # RFC 7162 §3.2.7, §3.2.9: what VANISHED is told with the mailbox's new mod-sequence.
            reply = reply.coded("HIGHESTMODSEQ", self.selected.box.info.highest_modseq)
        return reply

    async def tell(self, sync: Sync, asked: Asked | None = None) -> bool:
        """What has changed in the mailbox, as far as it may be told now; whether VANISHED was."""
        view = self.view
        if view is None or sync is Sync.NOTHING:
            return False
        if view.deleted:
            await self._inconsistent()
        if not view.stale:
            return False
        uid = asked is not None and asked.uid
        expunges = sync is Sync.ALL or uid
        kept = tuple(self.contexts.values())
        gone = [removed(view, one, expunges=expunges) for one in kept]
        news = view.news(expunges=expunges, uid=uid)
        await self.put(b"".join([*gone, news, *(added(view, one) for one in kept)]))
        return view.qresync and b"* VANISHED " in news

    async def _inconsistent(self) -> NoReturn:
        await self.hang_up(replies.INCONSISTENT, replies.INCONSISTENT)

    async def answer(self, asked: Asked, reply: Reply) -> None:
        self._bad = self._bad + 1 if reply.condition == "BAD" else 0
        if not self.user and self._bad >= _BAD_BEFORE:
            await self.hang_up(replies.TOO_MANY_BAD, "Too many invalid commands")
        if self.user:
            self._finished = asked.name if reply.text != replies.LOGGED_IN else ""
        self._at = self.world.clock.now()
        text = _UNSAYABLE.sub("?", reply.text)
        if reply.timed and self.user:
            text = f"{text.removesuffix('.')}{replies.SECONDS}"
        await self.say(Status(reply.condition, text, reply.code, asked.tag or None))
        if self._bad >= _BAD_AFTER:
            await self.hang_up(replies.TOO_MANY_BAD, replies.TOO_MANY_BAD)

    # what commands use

    async def untagged(self, text: str, code: Code | None = None) -> None:
        """`* OK [code] text`"""
        await self.put(b"".join(write_response(Status("OK", text, code))))

    async def data(self, value: Response) -> None:
        """Untagged data."""
        await self.put(b"".join(write_response(value, utf8=self.core.utf8)))

    async def lines(self, made: Iterable[bytes]) -> None:
        """Much untagged data, sent in pieces; other connections have their turn between them."""
        gathered: list[bytes] = []
        size = 0
        for one in made:
            gathered.append(one)
            size += len(one)
            if size >= CHUNK:
                await self._send(gathered)
                size = 0
                await asyncio.sleep(0)
            del one  # the next may be as big
        await self.put(b"".join(gathered))

    async def _send(self, gathered: list[bytes]) -> None:
        """Send at once what was gathered, with no more copies than must be."""
        much = b"".join(gathered)
        gathered.clear()
        if self._cut is not None:
            await self.put(much)
        await self.flush()
        self.sent += len(much)
        # A client that takes none of it shall not have it twice.
        for start in range(0, len(much), CHUNK):
            self.peer.write(much[start : start + CHUNK])
            await self.peer.drain()
        self.check_peer()

    def select(self, view: View) -> None:
        """The mailbox of `view` is selected from here on."""
        self.leave()
        self.view = view

    def leave(self) -> None:
        """No mailbox is selected any more."""
        if self.view is not None:
            self.view.leave()
        self.view = None
        self.contexts.clear()

    @property
    def selected(self) -> View:
        """The selected mailbox, where the table asks for one."""
        view = self.view
        if view is None:
            raise RefusedError(replies.NOT_SELECTED)
        return view
