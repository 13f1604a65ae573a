"""IMAP's states and transitions, for both roles (RFC 3501 §3)."""

from __future__ import annotations

from enum import Enum
from typing import Final

from mailsim.protocol.table import Table, Transition
from mailsim.wire.outcome import Outcome


class State(Enum):
    """How far a connection has come, as both sides know it from the responses."""

    OPENING = "opening"
    """The greeting has not come."""
    NOT_AUTHENTICATED = "not authenticated"
    """The client must identify itself (RFC 3501 §3.1)."""
    TLS = "tls"
    """STARTTLS accepted: the handshake comes next (RFC 3501 §6.2.1)."""
    AUTHENTICATED = "authenticated"
    """A mailbox must be selected before messages can be had (RFC 3501 §3.2)."""
    SELECTED = "selected"
    """A mailbox is open (RFC 3501 §3.3)."""
    LOGOUT = "logout"
    """The connection is being closed (RFC 3501 §3.4)."""


GREETING: Final = "greeting"
PREAUTH: Final = "greeting PREAUTH"
HANDSHAKE: Final = "handshake"
BYE: Final = "BYE"
"""What is no command: the greeting, the TLS handshake, a BYE that nobody asked for."""

_ANY: Final = ("CAPABILITY", "NOOP", "ID")
_SELECTING: Final = ("SELECT", "EXAMINE")
_AFTER_LOGIN: Final = (
    "CREATE", "DELETE", "RENAME", "SUBSCRIBE", "UNSUBSCRIBE", "LIST", "LSUB", "STATUS", "APPEND",
    "NAMESPACE", "IDLE", "GETQUOTA", "GETQUOTAROOT", "SETQUOTA", "GETACL", "SETACL", "DELETEACL",
    "LISTRIGHTS", "MYRIGHTS", "GETMETADATA", "SETMETADATA",
)  # fmt: skip
_ON_MESSAGES: Final = (
    "CHECK", "EXPUNGE", "SEARCH", "SORT", "THREAD", "FETCH", "STORE", "COPY", "MOVE",
    "UID SEARCH", "UID SORT", "UID THREAD", "UID FETCH", "UID STORE", "UID COPY", "UID MOVE",
    "UID EXPUNGE",
)  # fmt: skip
_LEAVING: Final = ("CLOSE", "UNSELECT")

_OK = Outcome.SUCCESS
_REFUSED = (Outcome.TEMPORARY, Outcome.PERMANENT)


def _rows() -> list[Transition[State]]:
    before, after, chosen = State.NOT_AUTHENTICATED, State.AUTHENTICATED, State.SELECTED
    rows = [
        Transition(State.OPENING, GREETING, _OK, before),
        Transition(State.OPENING, PREAUTH, _OK, after),
        Transition(State.OPENING, BYE, Outcome.CLOSING, State.LOGOUT),
        Transition(before, "LOGIN", _OK, after),
        Transition(before, "AUTHENTICATE", _OK, after),
        Transition(before, "STARTTLS", _OK, State.TLS),
        Transition(State.TLS, HANDSHAKE, _OK, before),
        # RFC 5161 §3.1: ENABLE comes before any mailbox is selected.
        Transition(after, "ENABLE", _OK, after),
    ]
    for state in (after, chosen):
        rows += (Transition(state, verb, _OK, chosen) for verb in _SELECTING)
        rows += (Transition(state, verb, _OK, state) for verb in _AFTER_LOGIN)
    # "if a mailbox is selected and a SELECT command that fails is attempted,
    # no mailbox is selected" (RFC 3501 §6.3.1).
    rows += (Transition(chosen, verb, bad, after) for verb in _SELECTING for bad in _REFUSED)
    rows += (Transition(chosen, verb, _OK, chosen) for verb in _ON_MESSAGES)
    rows += (Transition(chosen, verb, _OK, after) for verb in _LEAVING)
    for state in (before, after, chosen):
        rows += (Transition(state, verb, _OK, state) for verb in _ANY)
        rows.append(Transition(state, "LOGOUT", _OK, State.LOGOUT))
        rows.append(Transition(state, BYE, Outcome.CLOSING, State.LOGOUT))
    return rows


TABLE: Final[Table[State]] = Table(State.OPENING, _rows())
after = TABLE.after

_EVENTS = frozenset({GREETING, PREAUTH, HANDSHAKE, BYE})
_KNOWN = frozenset(row.verb for row in TABLE.rows)


def legal(state: State) -> tuple[str, ...]:
    """The commands that `state` allows."""
    return tuple(verb for verb in TABLE.legal(state) if verb not in _EVENTS)


def allows(state: State, verb: str) -> bool:
    """Whether `verb` may be said; a command of an extension that the table does not know may,
    once greeted."""
    if verb in _KNOWN:
        return verb in legal(state)
    return state not in (State.OPENING, State.TLS, State.LOGOUT)
