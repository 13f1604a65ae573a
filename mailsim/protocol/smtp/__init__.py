"""SMTP and LMTP as state machines, client and server, over one transition table."""

from mailsim.protocol.smtp.client import Authenticate, SmtpClient
from mailsim.protocol.smtp.server import SmtpServer
from mailsim.protocol.smtp.states import TABLE, State

__all__ = ["TABLE", "Authenticate", "SmtpClient", "SmtpServer", "State"]
