"""XOAUTH2 and OAUTHBEARER: a token in place of a password.

OAUTHBEARER is RFC 7628; XOAUTH2 is Google's and Microsoft's older form of it,
specified on their developers' pages alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from dataclasses import dataclass

from mailsim.errors import UsageError
from mailsim.sasl.gs2 import Gs2Header, split
from mailsim.sasl.mechanism import (
    Mechanism,
    Outcome,
    ServerMechanism,
    encoded,
    malformed,
    needed,
    own,
    utf8,
)
from mailsim.sasl.message import (
    Challenge,
    Failure,
    Kind,
    Message,
    Part,
    Response,
    part,
    printable,
)
from mailsim.secret import Secret

KVSEP = "\x01"
_END = b"\x01\x01"

# RFC 7628 §3.1: key = 1*(ALPHA), value = *(VCHAR / SP / HTAB / CR / LF)
_PAIR = re.compile(r"([A-Za-z]+)=([\x20-\x7e\t\r\n]*)")
_BEARER = re.compile(r"(bearer) +(\S+)", re.IGNORECASE)
_XOAUTH2 = re.compile(r"user=([^\x01]*)\x01auth=([\x20-\x7e]*)\x01\x01")
_XOAUTH2_GRAMMAR = '"user=" user %x01 "auth=Bearer " token %x01 %x01'
_OAUTHBEARER_GRAMMAR = 'gs2-header %x01 *(key "=" value %x01) %x01, with auth='


@dataclass(frozen=True, slots=True)
class Bearer:
    """What either form carries: whom it names, the Authorization value, other keys.

    `user` is XOAUTH2's user or OAUTHBEARER's authzid; `scheme` is "Bearer", or
    "" with an empty token when the client only asks which scope it needs.
    """

    user: str
    scheme: str
    token: Secret
    pairs: tuple[tuple[str, str], ...] = ()


def write_xoauth2(user: str, token: Secret) -> bytes:
    """XOAUTH2's one message."""
    return encoded(f"user={user}{KVSEP}auth=Bearer ") + token.reveal() + _END


def parse_xoauth2(data: bytes) -> Bearer:
    """Read XOAUTH2's message, whose specification puts it so:

        "user=" {User} "^A" "auth=Bearer " {Access Token} "^A^A"

    Raises RemoteProtocolError.
    """
    found = _XOAUTH2.fullmatch(utf8(data, "XOAUTH2"))
    if not found:
        raise malformed("XOAUTH2", _XOAUTH2_GRAMMAR)
    return Bearer(found[1], *_credentials(found[2], "XOAUTH2"))


def write_oauthbearer(user: str, token: Secret, host: str = "", port: int = 0) -> bytes:
    """OAUTHBEARER's initial response; `host` and `port` stand in it when given."""
    named = (("host", host), ("port", str(port or "")))
    pairs = "".join(f"{key}={value}{KVSEP}" for key, value in named if value)
    header = Gs2Header(authzid=user).text
    return encoded(f"{header}{KVSEP}{pairs}auth=Bearer ") + token.reveal() + _END


def parse_oauthbearer(data: bytes) -> Bearer:
    """Read OAUTHBEARER's initial response.  RFC 7628 §3.1:

        kvsep       = %x01
        key         = 1*(ALPHA)
        value       = *(VCHAR / SP / HTAB / CR / LF )
        kvpair      = key "=" value kvsep
        client-resp = (gs2-header kvsep *kvpair kvsep) / kvsep

    The lone kvsep ends a failed exchange and is not read here.  Raises RemoteProtocolError.
    """
    header, rest = split(utf8(data, "OAUTHBEARER"), "OAUTHBEARER")
    fields = rest.split(KVSEP)
    pairs = [_PAIR.fullmatch(field) for field in fields[1:-2]]
    if len(fields) < 3 or any((fields[0], fields[-1], fields[-2])) or not all(pairs):
        raise malformed("OAUTHBEARER", _OAUTHBEARER_GRAMMAR)
    values = [(pair[1], pair[2]) for pair in pairs if pair]
    auth = dict(values).get("auth")
    if auth is None:  # RFC 7628 §3.1: "auth (REQUIRED)"
        raise malformed("OAUTHBEARER", _OAUTHBEARER_GRAMMAR)
    others = tuple(pair for pair in values if pair[0] != "auth")
    return Bearer(header.authzid, *_credentials(auth, "OAUTHBEARER"), others)


def _credentials(auth: str, mechanism: str) -> tuple[str, Secret]:
    # RFC 7628 §4.3: an empty value "is how a client can query for the needed scope".
    if not auth:
        return "", Secret("")
    found = _BEARER.fullmatch(auth)
    if not found:
        raise malformed(mechanism, 'auth = "Bearer" SP token')
    return found[1], Secret(found[2])


def xoauth2_message(data: bytes) -> Message:
    """XOAUTH2's message taken apart.  Raises RemoteProtocolError."""
    bearer = parse_xoauth2(data)
    parts = (part("user", bearer.user), *_token_parts(bearer))
    return Message(data, parts, "sasl.message.xoauth2", "sasl.leak.bearer")


def oauthbearer_message(data: bytes) -> Message:
    """OAUTHBEARER's initial response taken apart.  Raises RemoteProtocolError."""
    bearer = parse_oauthbearer(data)
    others = tuple(
        Part(key, value.encode(), note_id="sasl.part.oauth-key") for key, value in bearer.pairs
    )
    parts = (part("authzid", bearer.user), *others, *_token_parts(bearer))
    return Message(data, parts, "sasl.message.oauthbearer", "sasl.leak.bearer")


def _token_parts(bearer: Bearer) -> tuple[Part, ...]:
    token = part("token", bearer.token.reveal(), secret=bool(bearer.token))
    return part("scheme", bearer.scheme), token


def error_message(data: bytes) -> Message:
    """The server's refusal, a JSON object with at least `status` (RFC 7628 §3.2.2).

    Raises RemoteProtocolError.
    """
    try:
        error = json.loads(data)
    except (ValueError, RecursionError):
        error = None
    if not isinstance(error, dict) or "status" not in error:
        raise malformed("OAUTHBEARER", 'a JSON object with "status"')
    parts = tuple(
        Part(printable(_as_text(key)), _as_text(value), note_id="sasl.part.oauth-error")
        for key, value in error.items()
    )
    return Message(data, parts, "sasl.message.oauth-error", "sasl.leak.oauth-error")


def _as_text(value: object) -> bytes:
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", "backslashreplace")


def dummy_message(data: bytes) -> Message:
    """The lone %x01 by which the client lets the server end it (RFC 7628 §3.2.3)."""
    if data != KVSEP.encode():
        raise malformed("OAUTHBEARER", "%x01")
    parts = (part("kvsep", data, Kind.SEPARATOR),)
    return Message(data, parts, "sasl.message.oauth-dummy")


class OAuthClient(Mechanism):
    """Either form; a refusal inside it is answered, and `failed` set."""

    def _dialogue(self, challenge: bytes) -> Generator[Response, bytes, None]:  # noqa: ARG002 - always empty here
        given = self._given
        needed(given.token, "token", self.name)
        first = self._initial()
        self.done = True
        error_message((yield Response.of(first)))  # anything else is no refusal, and an error
        self.failed = True
        yield self._dummy()

    def _initial(self) -> Message:
        given = self._given
        if self.name == "XOAUTH2":
            needed(given.user, "user", self.name)
            return own(xoauth2_message, write_xoauth2(given.user, given.token), self.name)
        if KVSEP in given.host:
            raise UsageError("sasl.unfit", mechanism=self.name, grammar=_OAUTHBEARER_GRAMMAR)
        data = write_oauthbearer(given.user, given.token, given.host, given.port)
        return own(oauthbearer_message, data, self.name)

    def _dummy(self) -> Response:
        if self.name == "XOAUTH2":
            # Google's description: the client answers with an empty response.
            return Response(b"", what="sasl.message.oauth-dummy")
        return Response.of(dummy_message(KVSEP.encode()))


class OAuthServer(ServerMechanism):
    """Either form; a refusal is JSON first, then the failure."""

    def _dialogue(self, response: bytes | None) -> Generator[Outcome, bytes, None]:
        parse = parse_xoauth2 if self.name == "XOAUTH2" else parse_oauthbearer
        bearer = parse(response or b"")
        owner = self.credentials.owner(bearer.token) if bearer.token else None
        if owner is not None:
            # RFC 7628 §3.1: the user named is the authzid; the token says who it is.
            yield self._admit(owner, bearer.user)
            return
        yield Challenge.of(error_message(_REFUSALS[self.name]))
        # RFC 7628 §3.2.3: whatever the client answers only lets the server end it.
        yield Failure("sasl.failure.token", bearer.user)


_REFUSALS = {
    "XOAUTH2": b'{"status":"401","schemes":"bearer","scope":"mail"}',
    "OAUTHBEARER": b'{"status":"invalid_token","scope":"mail"}',
}
