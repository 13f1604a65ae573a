"""A command as its handler gets it, and what the table of commands says of each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING

from mailsim.servers.dovecot.wording import Version
from mailsim.servers.imap import replies
from mailsim.servers.imap.replies import Reply
from mailsim.servers.imap.words import BadWordsError, Word, read_words

if TYPE_CHECKING:
    from mailsim.servers.imap.session import ImapSession
    from mailsim.wire.imap.request import Request


class RefusedError(Exception):
    """The command cannot be done; the reply says why."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.text)
        self.reply = reply


class AnsweredError(Exception):
    """The command has had its answer already."""


@dataclass
class Asked:
    """A command: `value` is the codec's, None where the grammar does not know its form."""

    tag: str
    name: str
    units: tuple[bytes, ...] = field(repr=False)
    rest: int
    value: Request | None
    before_login: bool = False

    @property
    def uid(self) -> bool:
        """Whether it is of the UID forms."""
        return self.name.startswith("UID ")

    @cached_property
    def words(self) -> tuple[Word, ...]:
        """Its arguments as Dovecot reads them.  Raises RefusedError."""
        try:
            return read_words(self.units, self.rest)
        except BadWordsError as bad:
            raise self.unreadable(str(bad)) from None

    def unreadable(self, text: str) -> RefusedError:
        """The error of words that cannot be read; the login process does not say whose."""
        if self.before_login:
            return RefusedError(replies.plain("BAD", text))
        return self.refused(text)

    def refused(self, text: str) -> RefusedError:
        """The error that answers BAD with this text."""
        return RefusedError(replies.error(self.name, text))

    def strings(self, count: int) -> tuple[bytes, ...]:
        """The first `count` arguments, all of them strings."""
        words = self.words
        if len(words) < count:
            raise self.refused(replies.MISSING)
        found = [word.astring for word in words[:count]]
        if None in found:
            raise self.refused(replies.INVALID)
        return tuple(one for one in found if one is not None)


class Sync(Enum):
    """What may be told before the command's own answer."""

    NOTHING = "nothing"
    FLAGS = "all but EXPUNGE, where the client may be using sequence numbers"
    ALL = "all"


Handler = Callable[["ImapSession", Asked], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Entry:
    """A command: what does it, what it needs, what is told after it."""

    handler: Handler
    selected: bool = False
    sync: Sync = Sync.NOTHING
    since: Version = (2, 3, 0)
    """The first Dovecot that has it; the release `full` has all."""
