"""SASL: how a client logs in, on both sides, and what each step shows (RFC 4422).

    >>> from mailsim import sasl
    >>> ours = sasl.client("PLAIN", user="user", password="minfo")
    >>> ours.respond(None).token_base64
    'AHVzZXIAbWluZm8='
    >>> sasl.decode("AHVzZXIAbWluZm8=").mechanism
    'PLAIN'

Random values are handed in; base64 and the commands around it are the protocols' job.
"""

from mailsim.sasl.accounts import Accounts
from mailsim.sasl.base64_groups import ALPHABET, Group, base64_groups
from mailsim.sasl.cram import make_challenge
from mailsim.sasl.decode import decode
from mailsim.sasl.exchange import Exchange, converse, exchange
from mailsim.sasl.mechanism import (
    ChannelBinding,
    Credentials,
    Mechanism,
    Outcome,
    Quirk,
    Salting,
    ServerMechanism,
)
from mailsim.sasl.message import (
    Challenge,
    Decoded,
    Failure,
    Kind,
    Message,
    Part,
    Response,
    Side,
    Step,
    Success,
)
from mailsim.sasl.registry import MECHANISMS, choose, client, new_nonce, server
from mailsim.sasl.saslprep import saslprep

__all__ = [
    "ALPHABET",
    "MECHANISMS",
    "Accounts",
    "Challenge",
    "ChannelBinding",
    "Credentials",
    "Decoded",
    "Exchange",
    "Failure",
    "Group",
    "Kind",
    "Mechanism",
    "Message",
    "Outcome",
    "Part",
    "Quirk",
    "Response",
    "Salting",
    "ServerMechanism",
    "Side",
    "Step",
    "Success",
    "base64_groups",
    "choose",
    "client",
    "converse",
    "decode",
    "exchange",
    "make_challenge",
    "new_nonce",
    "saslprep",
    "server",
]
