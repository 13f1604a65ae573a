"""LOGIN: user name, then password, each asked for.

Never a standard: draft-murchison-sasl-login describes what Microsoft's clients
did, and servers still offer it.
"""

from __future__ import annotations

from collections.abc import Generator

from mailsim.errors import RemoteProtocolError
from mailsim.sasl.mechanism import (
    Mechanism,
    Outcome,
    Quirk,
    encoded,
    malformed,
    needed,
    utf8,
)
from mailsim.sasl.message import Challenge, Message, Response, part
from mailsim.sasl.plain import PasswordServer
from mailsim.secret import Secret

USER_PROMPT = b"Username:"
PASSWORD_PROMPT = b"Password:"

# The draft's own wording is "User Name" and "Password"; Dovecot's is the above.
_USER_PROMPTS = (b"username", b"user name", b"login")
_PASSWORD_PROMPTS = (b"password",)


def asks_user(data: bytes) -> bool:
    """Whether `data` is a prompt for the user name, in any known wording."""
    return _bare(data) in _USER_PROMPTS


def asks_password(data: bytes) -> bool:
    """Whether `data` is a prompt for the password, in any known wording."""
    return _bare(data) in _PASSWORD_PROMPTS


def _bare(data: bytes) -> bytes:
    return data.strip(b"\0: \r\n").lower()


def prompt(data: bytes) -> Message:
    """A server's prompt.  Raises RemoteProtocolError if it is none that is known."""
    if asks_user(data):
        return Message(data, (part("prompt", data),), "sasl.message.login-user-prompt")
    if asks_password(data):
        return Message(data, (part("prompt", data),), "sasl.message.login-password-prompt")
    raise malformed("LOGIN", '"Username:" / "Password:"')


def user_answer(data: bytes) -> Message:
    """The user name as the client sends it."""
    parts = (part("authcid", data),)
    return Message(data, parts, "sasl.message.login-user", "sasl.leak.user")


def password_answer(data: bytes) -> Message:
    """The password as the client sends it."""
    parts = (part("password", data, secret=True),)
    return Message(data, parts, "sasl.message.login-password", "sasl.leak.password")


class LoginClient(Mechanism):
    """Answers the first prompt with the user name, the second with the password.

    What the prompts say is not looked at: their wording differs between servers.
    """

    initial = False

    def _dialogue(self, challenge: bytes) -> Generator[Response, bytes, None]:  # noqa: ARG002 - any wording
        needed(self._given.user, "user", self.name)
        yield Response.of(user_answer(encoded(self._given.user)))
        self.done = True
        yield Response.of(password_answer(self._given.password.reveal()))


class LoginServer(PasswordServer):
    """Asks for the user name, then for the password."""

    initial = False

    def _dialogue(self, response: bytes | None) -> Generator[Outcome, bytes, None]:
        if response is None:
            response = yield Challenge.of(prompt(USER_PROMPT))
        elif Quirk.LOGIN_INITIAL_RESPONSE not in self._given.quirks:
            raise RemoteProtocolError("sasl.no-initial-response", mechanism=self.name)
        user = utf8(response, self.name)
        password = Secret((yield Challenge.of(prompt(PASSWORD_PROMPT))))
        yield self._check(user, "", password)
