"""The mechanisms by name, on either side."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from mailsim.errors import LocalProtocolError, UsageError
from mailsim.sasl.anonymous import AnonymousClient, AnonymousServer
from mailsim.sasl.cram import CramClient, CramServer
from mailsim.sasl.external import ExternalClient, ExternalServer
from mailsim.sasl.login import LoginClient, LoginServer
from mailsim.sasl.mechanism import (
    ChannelBinding,
    ClientSettings,
    Credentials,
    Mechanism,
    Quirk,
    ServerMechanism,
    ServerSettings,
    encoded,
    needed,
)
from mailsim.sasl.message import printable
from mailsim.sasl.oauth import OAuthClient, OAuthServer
from mailsim.sasl.plain import PlainClient, PlainServer
from mailsim.sasl.scram.client import ScramClient
from mailsim.sasl.scram.server import ScramServer
from mailsim.secret import Secret

_Pair = tuple[type[Mechanism], type[ServerMechanism]]

_SCRAM: Final[_Pair] = (ScramClient, ScramServer)
_OAUTH: Final[_Pair] = (OAuthClient, OAuthServer)

# The strongest first, as seen by who listens and by who sits in between.
_BY_NAME: Final[Mapping[str, _Pair]] = {
    "SCRAM-SHA-256-PLUS": _SCRAM,
    "SCRAM-SHA-1-PLUS": _SCRAM,
    "EXTERNAL": (ExternalClient, ExternalServer),
    "SCRAM-SHA-256": _SCRAM,
    "SCRAM-SHA-1": _SCRAM,
    "OAUTHBEARER": _OAUTH,
    "XOAUTH2": _OAUTH,
    "CRAM-MD5": (CramClient, CramServer),
    "PLAIN": (PlainClient, PlainServer),
    "LOGIN": (LoginClient, LoginServer),
    "ANONYMOUS": (AnonymousClient, AnonymousServer),
}

MECHANISMS: Final = tuple(_BY_NAME)

_BY_TOKEN: Final = ("OAUTHBEARER", "XOAUTH2")
_BY_PASSWORD: Final = ("SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN")
_BY_BINDING: Final = ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS")


def new_nonce(random: Callable[[int], bytes]) -> str:
    """A nonce of 24 printable characters, from 18 bytes of `random`."""
    return base64.b64encode(random(18)).decode("ascii")


def client(
    name: str,
    *,
    user: str = "",
    password: Secret | str = "",
    authzid: str = "",
    token: Secret | str = "",
    nonce: str = "",
    channel_binding: ChannelBinding | None = None,
    host: str = "",
    port: int = 0,
    quirks: frozenset[Quirk] = frozenset(),
) -> Mechanism:
    """The client's side of the mechanism `name`, in any case of letters.

    SCRAM needs a fresh `nonce` (`new_nonce`), its -PLUS form a `channel_binding`;
    XOAUTH2 and OAUTHBEARER a `token`.  ANONYMOUS sends `user` as trace information.

    Raises UsageError for an unknown name or text that has no encoding; what a
    mechanism lacks is said at its first response.
    """
    known = _known(name)
    settings = ClientSettings(
        user=user,
        password=_secret(password),
        authzid=authzid,
        token=_secret(token),
        nonce=nonce,
        channel_binding=channel_binding,
        host=host,
        port=port,
        quirks=quirks,
    )
    return _BY_NAME[known][0](known, settings)


def server(
    name: str,
    *,
    credentials: Credentials,
    nonce: str = "",
    challenge: bytes = b"",
    channel_bindings: tuple[ChannelBinding, ...] = (),
    external: str = "",
    quirks: frozenset[Quirk] = frozenset(),
) -> ServerMechanism:
    """The server's side of the mechanism `name`, in any case of letters.

    SCRAM needs a fresh `nonce`, CRAM-MD5 a fresh `challenge` (`make_challenge`).
    `channel_bindings` are those that this connection can give, `external` the
    user that its TLS certificate proved.  Raises UsageError.
    """
    known = _known(name)
    if known.startswith("SCRAM-"):
        needed(nonce, "nonce", known)
    if known == "CRAM-MD5":
        needed(challenge, "challenge", known)
    settings = ServerSettings(credentials, nonce, challenge, channel_bindings, external, quirks)
    return _BY_NAME[known][1](known, settings)


def choose(
    offered: Iterable[str],
    *,
    password: bool = True,
    token: bool = False,
    certificate: bool = False,
    channel_binding: bool = False,
) -> str:
    """The strongest of the offered mechanisms for which the client has the means.

    ANONYMOUS is never chosen: who wants it names it.  Raises LocalProtocolError
    when there is none.
    """
    names = {name.upper() for name in offered}
    able = {
        *(_BY_PASSWORD if password else ()),
        *(_BY_BINDING if password and channel_binding else ()),
        *(_BY_TOKEN if token else ()),
        *(("EXTERNAL",) if certificate else ()),
    }
    for name in MECHANISMS:
        if name in names and name in able:
            return name
    raise LocalProtocolError(
        "sasl.none-in-common",
        offered=printable(", ".join(sorted(names)).encode("utf-8", "replace")) or "-",
        known=", ".join(name for name in MECHANISMS if name in able) or "-",
    )


def _known(name: str) -> str:
    if name.upper() not in _BY_NAME:
        raise UsageError("sasl.unknown-mechanism", name=name, known=", ".join(MECHANISMS))
    return name.upper()


def _secret(value: Secret | str) -> Secret:
    return value if isinstance(value, Secret) else Secret(encoded(value))
