"""SMTP's states and transitions, for both roles; LMTP's are the same but for LHLO."""

from __future__ import annotations

from enum import Enum
from functools import lru_cache

from mailsim.protocol.table import Table, Transition
from mailsim.wire.outcome import Outcome


class State(Enum):
    """How far a connection has come, as both sides know it from the replies."""

    OPENING = "opening"
    """The greeting has not come (RFC 5321 §3.1)."""
    CONNECTED = "connected"
    """Greeted; no EHLO yet."""
    READY = "ready"
    """EHLO done, no transaction open (RFC 5321 §4.1.4)."""
    MAIL = "mail"
    """MAIL accepted: a transaction is open (RFC 5321 §3.3)."""
    RCPT = "rcpt"
    """At least one RCPT accepted."""
    DATA = "data"
    """354: the message's content travels, until the lone dot."""
    CHUNKS = "chunks"
    """BDAT accepted, not the last one (RFC 3030 §2)."""
    FAILED = "failed"
    """A BDAT was refused: RSET before anything else (RFC 3030 §2)."""
    AUTH = "auth"
    """334: the server waits for a SASL response (RFC 4954)."""
    TLS = "tls"
    """STARTTLS accepted: the handshake comes next (RFC 3207 §4)."""
    CLOSED = "closed"
    """QUIT, 421 or the connection's end."""

    __hash__ = object.__hash__  # as in Outcome


GREETING = "greeting"
HANDSHAKE = "handshake"
END_OF_DATA = "."
RESPONSE = "RESPONSE"
LAST = "BDAT LAST"

_OK, _MORE = Outcome.SUCCESS, Outcome.INTERMEDIATE
_TEMPORARY, _PERMANENT, _CLOSING = Outcome.TEMPORARY, Outcome.PERMANENT, Outcome.CLOSING
_HELLO = ("EHLO", "HELO", "LHLO")
_ANYWHERE = ("NOOP", "HELP", "VRFY", "EXPN")
_TALKING = (State.CONNECTED, State.READY, State.MAIL, State.RCPT, State.CHUNKS, State.FAILED)


def _rows() -> list[Transition[State]]:
    rows = [
        Transition(State.OPENING, GREETING, _OK, State.CONNECTED),
        # RFC 5321 §3.1: after a 554 greeting the server waits for QUIT.
        Transition(State.OPENING, GREETING, _PERMANENT, State.CONNECTED),
        Transition(State.READY, "MAIL", _OK, State.MAIL),
        Transition(State.MAIL, "RCPT", _OK, State.RCPT),
        Transition(State.RCPT, "RCPT", _OK, State.RCPT),
        Transition(State.RCPT, "DATA", _MORE, State.DATA),
        # A DATA or BDAT without accepted recipients is legal to pipeline (RFC 2920 §3.1).
        Transition(State.MAIL, "DATA", _MORE, State.DATA),
        *(
            Transition(State.DATA, END_OF_DATA, outcome, State.READY)
            for outcome in (_OK, _TEMPORARY, _PERMANENT)
        ),
        Transition(State.READY, "AUTH", _OK, State.READY),
        Transition(State.READY, "AUTH", _MORE, State.AUTH),
        Transition(State.AUTH, RESPONSE, _MORE, State.AUTH),
        *(
            Transition(State.AUTH, RESPONSE, outcome, State.READY)
            for outcome in (_OK, _TEMPORARY, _PERMANENT)
        ),
        Transition(State.READY, "STARTTLS", _OK, State.TLS),
        # What was said before counts no more: EHLO comes again (RFC 3207 §4.2).
        Transition(State.TLS, HANDSHAKE, _OK, State.CONNECTED),
        Transition(State.READY, "ETRN", _OK, State.READY),
        Transition(State.CONNECTED, "XCLIENT", _OK, State.CONNECTED),
        Transition(State.READY, "XCLIENT", _OK, State.CONNECTED),
        Transition(State.READY, "XFORWARD", _OK, State.READY),
    ]
    for state in (State.RCPT, State.CHUNKS):
        rows.append(Transition(state, "BDAT", _OK, State.CHUNKS))
        rows.append(Transition(state, LAST, _OK, State.READY))
        for verb in ("BDAT", LAST):
            rows += (Transition(state, verb, bad, State.FAILED) for bad in (_TEMPORARY, _PERMANENT))
    for state in _TALKING:
        # RFC 5321 §4.1.4: EHLO in a session clears all buffers, as RSET does.
        rows += (Transition(state, verb, _OK, State.READY) for verb in _HELLO)
        reset = State.CONNECTED if state is State.CONNECTED else State.READY
        rows.append(Transition(state, "RSET", _OK, reset))
        rows += (Transition(state, verb, _OK, state) for verb in _ANYWHERE)
        rows.append(Transition(state, "QUIT", _OK, State.CLOSED))
    return rows


TABLE: Table[State] = Table(State.OPENING, _rows())
_BY_VERB = {(row.verb, row.outcome): row.target for row in TABLE.rows if row.verb not in _ANYWHERE}


@lru_cache(maxsize=1024)  # verbs that a user makes up come here too
def after(state: State, verb: str, outcome: Outcome) -> State:
    """The state after `verb` was answered with `outcome`.

    The reply decides: a server that accepts what the table does not allow (sent
    with `send_raw()`) moves the state all the same.
    """
    if outcome is Outcome.CLOSING:
        return State.CLOSED
    if verb in TABLE.legal(state):
        return TABLE.target(state, verb, outcome)
    return _BY_VERB.get((verb, outcome), state) if outcome.ok else state
