"""LIST and LSUB, with what LIST-EXTENDED, LIST-STATUS and SPECIAL-USE add (RFC 5258, 5819, 6154)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailsim.servers.imap import replies
from mailsim.servers.imap.command import Asked
from mailsim.servers.imap.mailboxes import status_items, tell_status
from mailsim.servers.imap.names import decoded
from mailsim.servers.imap.replies import Reply, ok
from mailsim.servers.imap.words import Kind, Word
from mailsim.servers.store.values import INBOX, SEPARATOR, SPECIAL_USE
from mailsim.wire.imap.response_writer import write_response
from mailsim.wire.imap.responses import MailboxList

if TYPE_CHECKING:
    from mailsim.servers.imap.session import ImapSession

_WILDCARDS: Final = re.compile(r"[*%]{2,}")
_SELECT: Final = ("SUBSCRIBED", "REMOTE", "RECURSIVEMATCH", "SPECIAL-USE")
_CHILD_INFO: Final = b' (CHILDINFO ("SUBSCRIBED"))\r\n'
_RETURN: Final = ("SUBSCRIBED", "CHILDREN", "SPECIAL-USE")


@dataclass
class Listing:
    """What is listed, and what is told of it."""

    patterns: tuple[str, ...]
    select: frozenset[str] = frozenset()
    returns: frozenset[str] = frozenset()
    status: tuple[str, ...] = ()
    extended: bool = False
    """Whether it is LIST-EXTENDED's form: then only what is asked for is told (RFC 5258 §3)."""

    def matches(self, name: str) -> bool:
        """Whether the name is one of those."""
        return any(_matches(pattern, name) for pattern in self.patterns)


def _matches(pattern: str, name: str) -> bool:
    """list-wildcards: "*" is anything, "%" anything within a level (RFC 3501 §6.3.8).

    The places in the pattern where one may be are followed together: time is at most the
    product of both lengths, however many wildcards there are.
    """
    inbox = name == INBOX or name.startswith(INBOX + SEPARATOR)
    places = _onwards(pattern, {0})
    for at, letter in enumerate(name):
        found = set()
        for place in places:
            here = pattern[place : place + 1]
            if here == "*" or (here == "%" and letter != SEPARATOR):
                found.add(place)
            elif here == letter or (inbox and at < len(INBOX) and here.upper() == letter):
                found.add(place + 1)
        places = _onwards(pattern, found)
        if not places:
            return False
    return len(pattern) in places


def _simplified(pattern: str) -> str:
    """Wildcards side by side as the one that they come to."""
    return _WILDCARDS.sub(lambda run: "*" if "*" in run[0] else "%", pattern)


def _onwards(pattern: str, places: set[int]) -> set[int]:
    """Those places, and behind the wildcards that stand there, of which no two are neighbours."""
    return places | {one + 1 for one in places if pattern[one : one + 1] in ("*", "%")}


class Tree:
    """A user's mailboxes and the levels above them that are none."""

    def __init__(self, session: ImapSession) -> None:
        store, user = session.world.store, session.user
        self.real = frozenset(one.name for one in store.list(user))
        self.subscribed = frozenset(store.subscriptions(user))
        self._parents = _above(self.real)
        self._subscribed_parents = _above(self.subscribed)

    def names(self) -> tuple[str, ...]:
        """All names, INBOX first."""
        every = self.real | self.subscribed | self._parents | self._subscribed_parents
        return tuple(sorted(every, key=lambda name: (name != INBOX, name)))

    def has_children(self, name: str) -> bool:
        """Whether there is a mailbox below it."""
        return name in self._parents

    def has_subscribed(self, name: str) -> bool:
        """Whether a mailbox below it is subscribed to."""
        return name in self._subscribed_parents

    def below(self, name: str) -> tuple[str, ...]:
        """The mailboxes below it."""
        return tuple(one for one in self.real if one.startswith(name + SEPARATOR))


def _above(names: frozenset[str]) -> frozenset[str]:
    return frozenset(
        name[:at] for name in names for at, letter in enumerate(name) if letter == SEPARATOR
    )


async def listed(session: ImapSession, asked: Asked) -> Reply:
    """list = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP list-return-opts]"""
    words = asked.words
    select: frozenset[str] | None = None
    if words and words[0].kind is Kind.LIST and asked.name == "LIST":
        select, words = _selection(asked, words[0]), words[1:]
    listing = _arguments(session, asked, words, select)
    if not listing.patterns:
        if not listing.extended:
            await session.data(MailboxList(("\\Noselect",), SEPARATOR, ""))
        return ok("List completed")
    await _tell(session, listing)
    return ok("List completed")


def _selection(asked: Asked, word: Word) -> frozenset[str]:
    names = [one.atom for one in word.words]
    if any(name not in _SELECT for name in names):
        raise asked.refused(replies.LIST_SELECT)
    found = frozenset(str(name) for name in names)
    # RFC 5258 §3.1: RECURSIVEMATCH needs another option beside it.
    if "RECURSIVEMATCH" in found and found <= {"RECURSIVEMATCH", "REMOTE"}:
        raise asked.refused(replies.LIST_ONLY)
    return found


def _arguments(
    session: ImapSession, asked: Asked, words: tuple[Word, ...], select: frozenset[str] | None
) -> Listing:
    reference = words[0].astring if words else None
    if reference is None:
        raise asked.refused(replies.LIST_REFERENCE)
    if len(words) < 2:
        raise asked.refused(replies.LIST_PATTERN)
    many = words[1].kind is Kind.LIST
    given = words[1].words if many else words[1:2]
    raws = [one.astring for one in given]
    if None in raws:
        raise asked.refused(replies.LIST_PATTERN)
    before = decoded(session, reference)
    patterns = tuple(
        _simplified(before + decoded(session, raw or b"")) for raw in raws if raw or many
    )
    listing = Listing(patterns, select or frozenset(), extended=many or select is not None)
    _returns(session, asked, words[2:], listing)
    return listing


def _returns(session: ImapSession, asked: Asked, words: tuple[Word, ...], listing: Listing) -> None:
    if not words:
        return
    if words[0].atom != "RETURN" or len(words) != 2 or words[1].kind is not Kind.LIST:
        raise asked.refused(replies.LIST_EXTRA)
    listing.extended = True
    options = list(words[1].words)
    found = set()
    while options:
        name = options.pop(0).atom
        if name == "STATUS" and options and options[0].kind is Kind.LIST:
            listing.status = status_items(session, asked, options.pop(0))
        elif name in _RETURN:
            found.add(str(name))
        else:
            raise asked.refused(replies.LIST_RETURN)
    listing.returns = frozenset(found)


async def _tell(session: ImapSession, listing: Listing) -> None:
    tree = Tree(session)
    for name in tree.names():
        if not listing.matches(name):
            continue
        found = _found(tree, listing, name, utf8=session.core.utf8)
        if found is None:
            continue
        await session.put(found)
        if listing.status and name in tree.real:
            await tell_status(session, name, listing.status)


def _found(tree: Tree, listing: Listing, name: str, *, utf8: bool) -> bytes | None:
    """The line of one name, or None where it is not selected."""
    real = name in tree.real
    use = SPECIAL_USE.get(name, "") if real else ""
    recursive = "RECURSIVEMATCH" in listing.select and _matched_below(tree, listing, name)
    if "SUBSCRIBED" in listing.select:
        if name not in tree.subscribed and not recursive:
            return None
    elif not real and not tree.has_children(name):
        return None
    elif not real and any(map(listing.matches, tree.below(name))):
        return None  # the mailbox below it is listed itself
    if "SPECIAL-USE" in listing.select and not use:
        return None
    data = MailboxList(_attributes(tree, listing, name, use), SEPARATOR, name)
    line = b"".join(write_response(data, utf8=utf8))
    return line.removesuffix(b"\r\n") + _CHILD_INFO if recursive else line


def _matched_below(tree: Tree, listing: Listing, name: str) -> bool:
    """Whether something below it is subscribed to that is not listed itself (RFC 5258 §3.5)."""
    return tree.has_subscribed(name) and not any(
        listing.matches(one) for one in tree.subscribed if one.startswith(name + SEPARATOR)
    )


def _attributes(tree: Tree, listing: Listing, name: str, use: str) -> tuple[str, ...]:
    asked = listing.select | listing.returns
    found = []
    if "SUBSCRIBED" in asked and name in tree.subscribed:
        found.append("\\Subscribed")
    if name not in tree.real:
        found.append("\\NonExistent" if listing.extended else "\\Noselect")
    if not listing.extended or "CHILDREN" in listing.returns:
        found.append("\\HasChildren" if tree.has_children(name) else "\\HasNoChildren")
    if use and (not listing.extended or "SPECIAL-USE" in asked):
        found.append(use)
    return tuple(found)


async def lsub(session: ImapSession, asked: Asked) -> Reply:
    """lsub = "LSUB" SP mailbox SP list-mailbox   ; RFC 3501 §6.3.9"""
    if len(asked.words) > 2:
        raise asked.refused(replies.LIST_EXTRA)
    listing = _arguments(session, asked, asked.words, None)
    tree = Tree(session)
    for name in tree.names():
        if not listing.patterns or not listing.matches(name):
            continue
        flags: tuple[str, ...] = ()
        if name not in tree.subscribed:
            # "foo" stands for "foo/bar", subscribed to and not matched by "%".
            if not _matched_below(tree, listing, name):
                continue
            flags = ("\\Noselect",)
        elif name in SPECIAL_USE and name in tree.real:
            flags = (SPECIAL_USE[name],)
        await session.data(MailboxList(flags, SEPARATOR, name, name="LSUB"))
    return ok("Lsub completed")
