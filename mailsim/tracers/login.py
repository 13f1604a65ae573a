"""A mechanism's stepper for a tracer: the one named, or the strongest that both sides have."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from mailsim import sasl
from mailsim.model import Endpoint
from mailsim.secret import Secret


def mechanism(
    name: str | None,
    offered: Iterable[str],
    endpoint: Endpoint,
    *,
    user: str = "",
    password: str | Secret = "",
    authzid: str = "",
    token: str | Secret = "",
) -> sasl.Mechanism:
    """The client's side of `name`, in any case of letters; None chooses among `offered`.

    A password serves PLAIN, LOGIN, CRAM-MD5 and SCRAM; a token XOAUTH2 and
    OAUTHBEARER.  Raises UsageError for a name that is none, LocalProtocolError
    where there is nothing in common.
    """
    chosen = name or sasl.choose(offered, password=bool(password), token=bool(token))
    return sasl.client(
        chosen,
        user=user,
        password=password,
        authzid=authzid,
        token=token,
        nonce=sasl.new_nonce(secrets.token_bytes),
        host=endpoint.server,
        port=endpoint.port,
    )
