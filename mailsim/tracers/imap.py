"""IMAP, a command at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from email.message import Message
from typing import Any, ClassVar, TypeAlias

from mailsim.model import Protocol
from mailsim.protocol.core import Limits, Received
from mailsim.protocol.imap import Authenticate, ImapClient, Selected
from mailsim.secret import Secret
from mailsim.tracers.base import Tracer
from mailsim.tracers.imap_step import ImapStep
from mailsim.tracers.login import mechanism as make_mechanism
from mailsim.wire.content import crlf
from mailsim.wire.imap import commands
from mailsim.wire.imap.command_reader import read_fetch_items, read_search_keys
from mailsim.wire.imap.commands import Command
from mailsim.wire.imap.dates import DateTime
from mailsim.wire.imap.sequence import SequenceSet
from mailsim.wire.imap.tokens import Atom, Token
from mailsim.wire.quirk import Quirk

Messages: TypeAlias = "int | str | SequenceSet | Iterable[int]"
"""Which messages: 3, "1:4,7", "*", [1, 5, 9]."""


class ImapTracer(Tracer[ImapClient, ImapStep]):
    """An IMAP client that is stepped by hand.

        with ImapTracer("127.0.0.1:1143") as imap:
            imap.login("user", "minfo")
            imap.select("INBOX")
            imap.fetch("1:*", "FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)]").fetched
            imap.search('UNSEEN FROM "secretaire"').numbers
            imap.logout()

    Every method returns its ImapStep.  A refusal is a result; a command that the
    state does not allow raises LocalProtocolError, and `send_raw()` sends it.
    Mailbox names are written as people read them: "Envoyés".
    """

    protocol: ClassVar[Protocol] = Protocol.IMAP

    def _new_core(self, limits: Limits, quirks: frozenset[Quirk]) -> ImapClient:
        return ImapClient(limits=limits, quirks=quirks)

    def _step(self, received: Sequence[Received[Any]]) -> ImapStep:
        return ImapStep(self._recorder.close(), received, self._so_far)

    @property
    def capabilities(self) -> tuple[str, ...]:
        """What the server last said it can do, in upper case; () where it has not, and after STARTTLS."""
        return self._core.capabilities or ()

    @property
    def selected(self) -> Selected | None:
        """What the server has said of the selected mailbox."""
        return self._core.selected

    def legal(self) -> tuple[str, ...]:
        """The commands that the state allows now."""
        return self._core.legal()

    def pipeline(self, *requests: commands.Request) -> ImapStep:
        """Several commands in one go, or any single one: values of `mailsim.wire.imap.commands`."""
        return self._say(*requests)

    # in any state

    def capability(self) -> ImapStep:
        """CAPABILITY: what can you do? (RFC 3501 §6.1.1)"""
        return self._say(Command("CAPABILITY"))

    def noop(self) -> ImapStep:
        """NOOP: nothing, but any news? (RFC 3501 §6.1.2)"""
        return self._say(Command("NOOP"))

    def id(self, params: dict[str, str | None] | None = None) -> ImapStep:
        """ID: which software are you? None says nothing of oneself (RFC 2971 §3.1)."""
        return self._say(commands.Id(None if params is None else tuple(params.items())))

    def logout(self) -> ImapStep:
        """LOGOUT; the connection is closed when the server has answered (RFC 3501 §6.1.3)."""
        step = self._say(Command("LOGOUT"))
        self.close()
        return step

    # before the login

    def starttls(self) -> ImapStep:
        """STARTTLS and, if it is accepted, the handshake (RFC 3501 §6.2.1)."""
        return self._say(Command("STARTTLS"))

    def login(self, user: str, password: str | Secret) -> ImapStep:
        """LOGIN: name and password, in the clear unless TLS covers them (RFC 3501 §6.2.3)."""
        return self._say(commands.Login(user, Secret.of(password)))

    def authenticate(
        self,
        mechanism: str | None = None,
        user: str = "",
        password: str | Secret = "",
        *,
        authzid: str = "",
        token: str | Secret = "",
        initial: bool | None = None,
    ) -> ImapStep:
        """AUTHENTICATE by `mechanism`, to its end; None takes the strongest that is offered.

        `initial`: send the first response with the command; None does where the
        server offers SASL-IR (RFC 3501 §6.2.2, RFC 4959 §3).
        """
        offered = [name[5:] for name in self.capabilities if name.startswith("AUTH=")]
        stepper = make_mechanism(
            mechanism,
            offered,
            self.endpoint,
            binding=self._channel_binding(),
            user=user,
            password=password,
            authzid=authzid,
            token=token,
            tls="starttls()" if "STARTTLS" in self.capabilities else "",
        )
        return self._say(Authenticate.by(stepper, initial=initial))

    # mailboxes

    def enable(self, *names: str) -> ImapStep:
        """ENABLE extensions, such as "UTF8=ACCEPT" (RFC 5161 §3.1)."""
        return self._say(commands.Enable(names))

    def select(self, mailbox: str = "INBOX", *params: str) -> ImapStep:
        """SELECT: open a mailbox; `params` such as "CONDSTORE" (RFC 3501 §6.3.1)."""
        return self._say(commands.Select(mailbox, params=_atoms(params)))

    def examine(self, mailbox: str = "INBOX", *params: str) -> ImapStep:
        """EXAMINE: open a mailbox for reading alone (RFC 3501 §6.3.2)."""
        return self._say(commands.Select(mailbox, examine=True, params=_atoms(params)))

    def create(self, mailbox: str) -> ImapStep:
        """CREATE (RFC 3501 §6.3.3)."""
        return self._say(commands.OnMailbox("CREATE", mailbox))

    def delete(self, mailbox: str) -> ImapStep:
        """DELETE: the mailbox with its messages (RFC 3501 §6.3.4)."""
        return self._say(commands.OnMailbox("DELETE", mailbox))

    def rename(self, mailbox: str, new_name: str) -> ImapStep:
        """RENAME (RFC 3501 §6.3.5)."""
        return self._say(commands.Rename(mailbox, new_name))

    def subscribe(self, mailbox: str) -> ImapStep:
        """SUBSCRIBE (RFC 3501 §6.3.6)."""
        return self._say(commands.OnMailbox("SUBSCRIBE", mailbox))

    def unsubscribe(self, mailbox: str) -> ImapStep:
        """UNSUBSCRIBE (RFC 3501 §6.3.7)."""
        return self._say(commands.OnMailbox("UNSUBSCRIBE", mailbox))

    def list(self, reference: str = "", *patterns: str) -> ImapStep:
        """LIST: the mailboxes that match; "*" is any, "%" any on one level (RFC 3501 §6.3.8)."""
        return self._say(commands.List(reference, patterns or ("*",)))

    def lsub(self, reference: str = "", pattern: str = "*") -> ImapStep:
        """LSUB: the subscribed mailboxes (RFC 3501 §6.3.9)."""
        return self._say(commands.List(reference, (pattern,), subscribed=True))

    def status(self, mailbox: str, *items: str) -> ImapStep:
        """STATUS: numbers of a mailbox that need not be open (RFC 3501 §6.3.10)."""
        wanted = items or ("MESSAGES", "UIDNEXT", "UIDVALIDITY", "UNSEEN")
        return self._say(commands.Status(mailbox, wanted))

    def namespace(self) -> ImapStep:
        """NAMESPACE: where are whose mailboxes? (RFC 2342 §5)"""
        return self._say(Command("NAMESPACE"))

    def getquotaroot(self, mailbox: str = "INBOX") -> ImapStep:
        """GETQUOTAROOT: how much is used, how much allowed? (RFC 9208 §4.1.2)"""
        return self._say(commands.OnMailbox("GETQUOTAROOT", mailbox))

    def append(
        self,
        mailbox: str,
        message: str | bytes | Message,
        flags: str | Iterable[str] | None = None,
        date: str | DateTime | None = None,
    ) -> ImapStep:
        """APPEND: put a message there; line ends become CRLF (RFC 3501 §6.3.11).

        `date` is the internal date, "17-Jul-1996 02:44:25 -0700".
        """
        when = DateTime.parse(date) if isinstance(date, str) else date
        marks = None if flags is None else _flags(flags)
        return self._say(commands.Append(mailbox, crlf(message), marks, when))

    # news

    def idle(self) -> ImapStep:
        """IDLE: wait for news; `poll()` hears them, `done()` ends it (RFC 2177 §3)."""
        return self._say(commands.Idle())

    def done(self) -> ImapStep:
        """DONE, the line that ends IDLE."""
        return self._say(commands.Done())

    def poll(self, seconds: float = 1.0) -> ImapStep:
        """What the server says of its own within `seconds`."""
        return self.listen(seconds)

    # the selected mailbox

    def check(self) -> ImapStep:
        """CHECK: set a checkpoint (RFC 3501 §6.4.1)."""
        return self._say(Command("CHECK"))

    def close_mailbox(self) -> ImapStep:
        r"""CLOSE: remove what has \Deleted, and go back to no mailbox (RFC 3501 §6.4.2)."""
        return self._say(Command("CLOSE"))

    def unselect(self) -> ImapStep:
        """UNSELECT: like CLOSE, but nothing is removed (RFC 3691 §2)."""
        return self._say(Command("UNSELECT"))

    def expunge(self) -> ImapStep:
        r"""EXPUNGE: remove what has \Deleted (RFC 3501 §6.4.3)."""
        return self._say(Command("EXPUNGE"))

    def fetch(self, messages: Messages, items: str = "FLAGS", *, uid: bool = False) -> ImapStep:
        """FETCH: data of messages; `items` as on the wire, in parentheses or not (RFC 3501 §6.4.5)."""
        wanted = read_fetch_items(items)
        return self._say(commands.Fetch(SequenceSet.of(messages), wanted, uid))

    def store(
        self,
        messages: Messages,
        action: str,
        flags: str | Iterable[str],
        *,
        silent: bool = False,
        uid: bool = False,
    ) -> ImapStep:
        r"""STORE: `action` is "FLAGS", "+FLAGS" or "-FLAGS"; `flags` such as r"\Seen" (RFC 3501 §6.4.6)."""
        chosen = SequenceSet.of(messages)
        return self._say(commands.Store(chosen, action.upper(), _flags(flags), silent, uid))

    def copy(self, messages: Messages, mailbox: str, *, uid: bool = False) -> ImapStep:
        """COPY messages to another mailbox (RFC 3501 §6.4.7)."""
        return self._say(commands.Copy(SequenceSet.of(messages), mailbox, uid=uid))

    def move(self, messages: Messages, mailbox: str, *, uid: bool = False) -> ImapStep:
        """MOVE messages to another mailbox (RFC 6851 §3.1)."""
        return self._say(commands.Copy(SequenceSet.of(messages), mailbox, move=True, uid=uid))

    def search(
        self,
        keys: str = "ALL",
        *,
        returns: Sequence[str] | None = None,
        charset: str | None = None,
        uid: bool = False,
    ) -> ImapStep:
        """SEARCH: which messages? `keys` as on the wire: 'UNSEEN SINCE 1-Feb-2025' (RFC 3501 §6.4.4).

        `charset` None is UTF-8 where `keys` need it.  `returns`, such as ("MIN",
        "COUNT"), asks for ESEARCH (RFC 4731 §3.1).
        """
        asked = None if returns is None else _atoms(returns)
        named = charset or self._charset(keys)
        return self._say(commands.Search(read_search_keys(keys), named, asked, uid))

    def sort(
        self, order: str, keys: str = "ALL", *, charset: str = "UTF-8", uid: bool = False
    ) -> ImapStep:
        """SORT: `order` such as "REVERSE DATE" (RFC 5256 §3)."""
        criteria = tuple(order.upper().split())
        return self._say(commands.Sort(criteria, charset, read_search_keys(keys), uid=uid))

    def thread(
        self,
        algorithm: str = "REFERENCES",
        keys: str = "ALL",
        *,
        charset: str = "UTF-8",
        uid: bool = False,
    ) -> ImapStep:
        """THREAD: messages by conversation (RFC 5256 §3)."""
        found = read_search_keys(keys)
        return self._say(commands.Thread(algorithm.upper(), charset, found, uid))

    # the same by unique identifier (RFC 3501 §6.4.8)

    def uid_fetch(self, messages: Messages, items: str = "FLAGS") -> ImapStep:
        """UID FETCH."""
        return self.fetch(messages, items, uid=True)

    def uid_store(
        self, messages: Messages, action: str, flags: str | Iterable[str], *, silent: bool = False
    ) -> ImapStep:
        """UID STORE."""
        return self.store(messages, action, flags, silent=silent, uid=True)

    def uid_copy(self, messages: Messages, mailbox: str) -> ImapStep:
        """UID COPY."""
        return self.copy(messages, mailbox, uid=True)

    def uid_move(self, messages: Messages, mailbox: str) -> ImapStep:
        """UID MOVE."""
        return self.move(messages, mailbox, uid=True)

    def uid_search(self, keys: str = "ALL", *, returns: Sequence[str] | None = None) -> ImapStep:
        """UID SEARCH."""
        return self.search(keys, returns=returns, uid=True)

    def uid_sort(self, order: str, keys: str = "ALL") -> ImapStep:
        """UID SORT."""
        return self.sort(order, keys, uid=True)

    def uid_thread(self, algorithm: str = "REFERENCES", keys: str = "ALL") -> ImapStep:
        """UID THREAD."""
        return self.thread(algorithm, keys, uid=True)

    def uid_expunge(self, messages: Messages) -> ImapStep:
        r"""UID EXPUNGE: of these, remove what has \Deleted (RFC 4315 §2.1)."""
        return self._say(commands.UidExpunge(SequenceSet.of(messages)))

    def _charset(self, keys: str) -> str | None:
        # After ENABLE UTF8=ACCEPT no CHARSET may be given (RFC 6855 §3).
        return None if keys.isascii() or self._core.utf8 else "UTF-8"


def _atoms(words: Iterable[str]) -> tuple[Token, ...]:
    return tuple(Atom(word) for word in words)


def _flags(flags: str | Iterable[str]) -> tuple[str, ...]:
    return tuple(flags.strip("()").split()) if isinstance(flags, str) else tuple(flags)
