"""POP3 as state machines, client and server, over one transition table."""

from mailsim.protocol.pop3.client import Authenticate, Pop3Client
from mailsim.protocol.pop3.server import Pop3Server
from mailsim.protocol.pop3.states import TABLE, State

__all__ = ["TABLE", "Authenticate", "Pop3Client", "Pop3Server", "State"]
