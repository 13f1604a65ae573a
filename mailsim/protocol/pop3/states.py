"""POP3's states and transitions, for both roles."""

from __future__ import annotations

from enum import Enum

from mailsim.protocol.table import Table, Transition
from mailsim.wire.outcome import Outcome


class State(Enum):
    """How far a connection has come, as both sides know it from the replies."""

    OPENING = "opening"
    """The greeting has not come (RFC 1939 §4)."""
    AUTHORIZATION = "authorization"
    """Greeted; the client must identify itself (RFC 1939 §4)."""
    PASSWORD = "password"
    """Still AUTHORIZATION: USER was accepted, PASS comes next (RFC 1939 §7)."""
    SASL = "sasl"
    """Still AUTHORIZATION: "+ ", the server waits for a SASL response (RFC 5034)."""
    TLS = "tls"
    """STLS accepted: the handshake comes next (RFC 2595 §4)."""
    TRANSACTION = "transaction"
    """The maildrop is open and locked (RFC 1939 §5)."""
    UPDATE = "update"
    """QUIT: the server removes what was marked, and closes (RFC 1939 §6)."""
    CLOSED = "closed"
    """The end without an update."""


GREETING = "greeting"
HANDSHAKE = "handshake"
RESPONSE = "RESPONSE"

_OK, _MORE = Outcome.SUCCESS, Outcome.INTERMEDIATE
_NEGATIVE = (Outcome.TEMPORARY, Outcome.PERMANENT)
_ANSWERED = (_OK, *_NEGATIVE)
_READING = ("STAT", "LIST", "UIDL", "RETR", "TOP", "DELE", "RSET", "NOOP")

_IN_AUTHORIZATION = (State.AUTHORIZATION, State.PASSWORD)


def _rows() -> list[Transition[State]]:
    rows = [
        Transition(State.OPENING, GREETING, _OK, State.AUTHORIZATION),
        *(Transition(State.OPENING, GREETING, bad, State.CLOSED) for bad in _NEGATIVE),
        Transition(State.AUTHORIZATION, "USER", _OK, State.PASSWORD),
        Transition(State.PASSWORD, "PASS", _OK, State.TRANSACTION),
        # RFC 1939 §7: PASS comes immediately after a successful USER, or USER comes again.
        *(Transition(State.PASSWORD, "PASS", bad, State.AUTHORIZATION) for bad in _NEGATIVE),
        Transition(State.AUTHORIZATION, "APOP", _OK, State.TRANSACTION),
        Transition(State.AUTHORIZATION, "AUTH", _OK, State.TRANSACTION),
        Transition(State.AUTHORIZATION, "AUTH", _MORE, State.SASL),
        Transition(State.SASL, RESPONSE, _MORE, State.SASL),
        Transition(State.SASL, RESPONSE, _OK, State.TRANSACTION),
        *(Transition(State.SASL, RESPONSE, bad, State.AUTHORIZATION) for bad in _NEGATIVE),
        Transition(State.AUTHORIZATION, "STLS", _OK, State.TLS),
        Transition(State.TLS, HANDSHAKE, _OK, State.AUTHORIZATION),
        Transition(State.AUTHORIZATION, "UTF8", _OK, State.AUTHORIZATION),
        *(Transition(State.TRANSACTION, verb, _OK, State.TRANSACTION) for verb in _READING),
    ]
    for state in (*_IN_AUTHORIZATION, State.TRANSACTION):
        rows += (Transition(state, verb, _OK, state) for verb in ("CAPA", "LANG"))
    # RFC 1939 §6: QUIT updates the maildrop only from TRANSACTION, and closes whatever it answers.
    for outcome in _ANSWERED:
        rows += (Transition(s, "QUIT", outcome, State.CLOSED) for s in _IN_AUTHORIZATION)
        rows.append(Transition(State.TRANSACTION, "QUIT", outcome, State.UPDATE))
    return rows


TABLE: Table[State] = Table(State.OPENING, _rows())

ENDED = (State.UPDATE, State.CLOSED)
after = TABLE.after


def legal(state: State) -> tuple[str, ...]:
    """The commands' verbs that `state` allows."""
    return tuple(verb for verb in TABLE.legal(state) if verb not in (GREETING, HANDSHAKE))


def assumed(state: State, verb: str) -> State:
    """The state in which a client may go on before the answer to `verb` has come.

    After AUTH that is SASL: nothing but a response may follow.  What the state does
    not allow will be refused.
    """
    hopeful = Outcome.INTERMEDIATE if verb in ("AUTH", RESPONSE) else Outcome.SUCCESS
    return TABLE.target(state, verb, hopeful)
