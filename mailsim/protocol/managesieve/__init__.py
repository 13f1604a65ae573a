"""ManageSieve as state machines, client and server, over one transition table."""

from mailsim.protocol.managesieve.client import Answer, Authenticate, ManageSieveClient
from mailsim.protocol.managesieve.server import ManageSieveServer
from mailsim.protocol.managesieve.states import TABLE, State

__all__ = [
    "TABLE",
    "Answer",
    "Authenticate",
    "ManageSieveClient",
    "ManageSieveServer",
    "State",
]
