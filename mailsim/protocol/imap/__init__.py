"""IMAP as state machines, client and server, over one transition table."""

from mailsim.protocol.imap.client import Authenticate, ImapClient
from mailsim.protocol.imap.server import Event, ImapServer, Malformed, Tagged
from mailsim.protocol.imap.states import TABLE, State
from mailsim.protocol.imap.view import Selected

__all__ = [
    "TABLE",
    "Authenticate",
    "Event",
    "ImapClient",
    "ImapServer",
    "Malformed",
    "Selected",
    "State",
    "Tagged",
]
