"""A whole login in memory: our client against our server, each message kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from mailsim.errors import UsageError
from mailsim.sasl.accounts import Accounts
from mailsim.sasl.cram import make_challenge
from mailsim.sasl.mechanism import ChannelBinding, Credentials, Mechanism, ServerMechanism
from mailsim.sasl.message import Challenge, Failure, Message, Side, Step, Success
from mailsim.sasl.registry import client, new_nonce, server
from mailsim.sasl.saslprep import saslprep
from mailsim.secret import Secret


@dataclass(frozen=True, slots=True)
class Exchange:
    """What was said, in order, and how it ended."""

    steps: tuple[Step, ...]
    outcome: Success | Failure


def exchange(
    mechanism: str,
    user: str,
    password: Secret | str,
    *,
    random: Callable[[int], bytes],
    authzid: str = "",
    host: str = "mail.minfo.sn",
    timestamp: int = 0,
    channel_binding: ChannelBinding | None = None,
    credentials: Credentials | None = None,
) -> tuple[Step, ...]:
    """Every message of a login of `user` by `mechanism`, the client's secrets among its parts.

    XOAUTH2 and OAUTHBEARER take the token as `password`.  `random(n)` gives n
    bytes for nonces and salts; `timestamp` (seconds) and `host` stand in CRAM-MD5's
    challenge.  A -PLUS mechanism binds to made-up data unless `channel_binding`
    is given, for there is no TLS here.  The server knows this account alone,
    unless `credentials` say otherwise.

    Raises UsageError for what the mechanism cannot send.
    """
    if mechanism.upper().endswith("-PLUS") and channel_binding is None:
        channel_binding = ChannelBinding("tls-exporter", random(32))
    bindings = (channel_binding,) if channel_binding else ()
    ours = client(
        mechanism,
        user=user,
        password=password,
        token=password,
        authzid=authzid,
        host=host,
        nonce=new_nonce(random),
        channel_binding=channel_binding,
    )
    theirs = server(
        mechanism,
        credentials=credentials or _one_account(user, Secret.of(password), authzid, random(16)),
        nonce=new_nonce(random),
        challenge=make_challenge(random, host, timestamp),
        channel_bindings=bindings,
        external=user,
    )
    return converse(ours, theirs).steps


def _one_account(user: str, password: Secret, authzid: str, pepper: bytes) -> Accounts:
    names = {user, _prepared(user)}  # SCRAM's server looks the prepared name up
    return Accounts(
        passwords=dict.fromkeys(names, password),
        tokens={user: password},
        pepper=Secret(pepper),
        acting=dict.fromkeys(names, frozenset({authzid})),
    )


def _prepared(user: str) -> str:
    try:
        return saslprep(user, stored=False)
    except UsageError:
        return user


def converse(ours: Mechanism, theirs: ServerMechanism) -> Exchange:
    """Let a client and a server talk until the server has decided.

    Raises RemoteProtocolError when one does not accept what the other says.
    """
    steps: list[Step] = []
    response = ours.respond(None) if ours.initial else None
    while True:
        if response is not None:
            steps.append(_step(Side.CLIENT, ours.name, response))
        outcome = theirs.challenge(response.data if response is not None else None)
        if not isinstance(outcome, Challenge):
            break
        steps.append(_step(Side.SERVER, theirs.name, outcome))
        response = ours.respond(outcome.data)
    if isinstance(outcome, Success):
        ours.succeed()
    return Exchange(tuple(steps), outcome)


def _step(side: Side, mechanism: str, message: Message) -> Step:
    return replace(Step.of(message), side=side, mechanism=mechanism)
