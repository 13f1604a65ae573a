"""ManageSieve's states and transitions, for both roles."""

from __future__ import annotations

from enum import Enum

from mailsim.protocol.table import Table, Transition
from mailsim.wire.outcome import Outcome


class State(Enum):
    """How far a connection has come, as both sides know it from the responses."""

    OPENING = "opening"
    """The server has not told its capabilities (RFC 5804 §1.7)."""
    NON_AUTHENTICATED = "non-authenticated"
    """Greeted; the client must authenticate."""
    SASL = "sasl"
    """The server waits for the answer to a challenge (RFC 5804 §2.1)."""
    TLS = "tls"
    """STARTTLS accepted: the handshake comes next (RFC 5804 §2.2)."""
    RENEWING = "renewing"
    """TLS is on; the server tells its capabilities again, unasked (RFC 5804 §2.2)."""
    AUTHENTICATED = "authenticated"
    """Scripts may be managed."""
    CLOSED = "closed"
    """LOGOUT, BYE or the connection's end."""


GREETING = "greeting"
HANDSHAKE = "handshake"
RESPONSE = "RESPONSE"

_OK, _MORE = Outcome.SUCCESS, Outcome.INTERMEDIATE
_NEGATIVE = (Outcome.TEMPORARY, Outcome.PERMANENT)
_SCRIPTS = (
    *("HAVESPACE", "PUTSCRIPT", "LISTSCRIPTS", "SETACTIVE", "GETSCRIPT", "DELETESCRIPT"),
    *("RENAMESCRIPT", "CHECKSCRIPT"),
)


def _rows() -> list[Transition[State]]:
    plain, authenticated = State.NON_AUTHENTICATED, State.AUTHENTICATED
    rows = [
        Transition(State.OPENING, GREETING, _OK, plain),
        Transition(State.OPENING, GREETING, Outcome.CLOSING, State.CLOSED),
        Transition(plain, "AUTHENTICATE", _OK, authenticated),
        Transition(plain, "AUTHENTICATE", _MORE, State.SASL),
        Transition(State.SASL, RESPONSE, _MORE, State.SASL),
        Transition(State.SASL, RESPONSE, _OK, authenticated),
        *(Transition(State.SASL, RESPONSE, bad, plain) for bad in _NEGATIVE),
        Transition(plain, "STARTTLS", _OK, State.TLS),
        Transition(State.TLS, HANDSHAKE, _OK, State.RENEWING),
        Transition(State.RENEWING, GREETING, _OK, plain),
        *(Transition(authenticated, verb, _OK, authenticated) for verb in _SCRIPTS),
        Transition(authenticated, "UNAUTHENTICATE", _OK, plain),
    ]
    for state in (plain, authenticated):  # command-any, RFC 5804 §4
        rows += (Transition(state, verb, _OK, state) for verb in ("CAPABILITY", "NOOP"))
        rows.append(Transition(state, "LOGOUT", _OK, State.CLOSED))
        rows.append(Transition(state, "LOGOUT", Outcome.CLOSING, State.CLOSED))
    return rows


TABLE: Table[State] = Table(State.OPENING, _rows())

GREETED = (State.OPENING, State.RENEWING)
"""The states in which the server speaks first, to tell its capabilities."""


def legal(state: State) -> tuple[str, ...]:
    """The commands' verbs that `state` allows."""
    return tuple(verb for verb in TABLE.legal(state) if verb not in (GREETING, HANDSHAKE))


def after(state: State, verb: str, outcome: Outcome) -> State:
    """The state after `verb` was answered with `outcome`; BYE closes from anywhere (RFC 5804 §1.2)."""
    return State.CLOSED if outcome is Outcome.CLOSING else TABLE.after(state, verb, outcome)


def assumed(state: State, verb: str) -> State:
    """The state in which a client may go on before the answer to `verb` has come.

    After AUTHENTICATE that is SASL: nothing but a response may follow.  What the
    state does not allow will be refused.
    """
    hopeful = Outcome.INTERMEDIATE if verb in ("AUTHENTICATE", RESPONSE) else Outcome.SUCCESS
    return TABLE.target(state, verb, hopeful)
