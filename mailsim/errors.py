"""The one tree of exceptions.

Every exception that mailsim raises on purpose is a `MailsimError`.  Each is an
id with parameters, worded in the reader's language when it is shown: one
sentence for what happened, one for what to do.

    MailsimError
    ├── UsageError            wrong argument or wrong use of the API (also a ValueError)
    ├── ProtocolError
    │   ├── LocalProtocolError    what was asked is not allowed in this state
    │   └── RemoteProtocolError   the peer broke the protocol; the dialogue so far is kept
    ├── NetworkError      the connection could not be made or broke (also an OSError)
    │   ├── ConnectionRefused, ConnectionTimeout, ConnectionLost, NameNotFound
    │   └── TlsError              the handshake or the verification failed
    └── LabError              the lab or its backend

A negative reply (a 550, a NO, a -ERR) is a result, never an exception.
"""

from __future__ import annotations

import re

from mailsim.language import language, word

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class MailsimError(Exception):
    """An error for people.

    `message_id` names the sentence in `mailsim/messages/AREA.json`; `params`
    fill it in.  `dialogue` holds what was said before it went wrong, when a
    connection was open (a `mailsim.dialogue.Dialogue`).
    """

    dialogue: object | None = None

    def __init__(self, message_id: str, /, **params: object) -> None:
        super().__init__(message_id)
        self.message_id = message_id
        self.params = params

    def worded(self, lang: str | None = None) -> str:
        """The sentence in `lang` ("en", "fr" or None for the reader's), on one line.

        What came from elsewhere can neither break the line nor command the terminal:
        its control characters are escaped.
        """
        shown = {name: _shown(value) for name, value in self.params.items()}
        return word(self.message_id, language(lang), **shown)

    def __str__(self) -> str:
        return self.worded()

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.message_id, self.params)

    def _render_traceback_(self) -> list[str]:
        """What Jupyter shows in place of a traceback: one sentence."""
        return [f"{type(self).__name__}: {self}"]


def _shown(value: object) -> object:
    if isinstance(value, (int, float)):  # a sentence may say how many digits
        return value
    return _CONTROL.sub(lambda found: repr(found[0])[1:-1], str(value))


def _rebuild(kind: type[MailsimError], message_id: str, params: dict[str, object]) -> MailsimError:
    return kind(message_id, **params)


class UsageError(MailsimError, ValueError):
    """A wrong argument: says what was wrong and what is accepted.  Exit code 2."""


class ProtocolError(MailsimError):
    """Somebody broke the protocol."""


class LocalProtocolError(ProtocolError):
    """What was asked is not allowed now; `send_raw()` sends it all the same."""


class RemoteProtocolError(ProtocolError):
    """The peer sent what the protocol does not allow, or more than the limits."""


class NetworkError(MailsimError, OSError):
    """The connection could not be made, or broke."""


class ConnectionRefused(NetworkError):
    """Nothing listens there: the port is closed."""


class ConnectionTimeout(NetworkError):
    """No answer in the time given: filtered port, or a silent server."""


class ConnectionLost(NetworkError):
    """The peer closed the connection, or cut it."""


class NameNotFound(NetworkError):
    """The host's name resolves to no address."""


class TlsError(NetworkError):
    """The TLS handshake failed, or the certificate did not verify."""


class LabError(MailsimError):
    """The lab or its backend cannot do what was asked."""
