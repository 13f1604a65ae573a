"""A mechanism's stepper for a tracer: the one named, or the strongest that both sides have."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from mailsim import sasl
from mailsim.errors import LocalProtocolError
from mailsim.model import Endpoint
from mailsim.secret import Secret


def mechanism(
    name: str | None,
    offered: Iterable[str],
    endpoint: Endpoint,
    *,
    binding: sasl.ChannelBinding | None = None,
    user: str = "",
    password: str | Secret = "",
    authzid: str = "",
    token: str | Secret = "",
    tls: str = "",
) -> sasl.Mechanism:
    """The client's side of `name`, in any case of letters; None chooses among `offered`.

    A password serves PLAIN, LOGIN, CRAM-MD5 and SCRAM; a token XOAUTH2 and
    OAUTHBEARER; the `binding` of the TLS connection SCRAM; `tls` is the method that begins TLS
    where the server offers it.  Raises UsageError for a name that is none, LocalProtocolError
    where there is nothing in common.
    """
    known = {one.upper() for one in offered}
    if name is None and tls and not known:
        raise LocalProtocolError("tracer.tls-first", server=endpoint.server, call=tls)
    chosen = name or sasl.choose(
        known, password=bool(password), token=bool(token), channel_binding=binding is not None
    )
    # Who leaves an offered -PLUS aside must not say that it was not offered (RFC 5802 §6).
    aside = not chosen.upper().endswith("-PLUS") and f"{chosen.upper()}-PLUS" in known
    return sasl.client(
        chosen,
        user=user,
        password=password,
        authzid=authzid,
        token=token,
        channel_binding=None if aside else binding,
        nonce=sasl.new_nonce(secrets.token_bytes),
        host=endpoint.server,
        port=endpoint.port,
    )
