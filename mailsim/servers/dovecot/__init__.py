"""What Dovecot's services have in common: greeting, login, the lines in the log."""

from mailsim.servers.dovecot.anvil import Anvil
from mailsim.servers.dovecot.channel import Channel, ClosedError
from mailsim.servers.dovecot.journal import Journal
from mailsim.servers.dovecot.login import Kind, Login, RefusedError

__all__ = ["Anvil", "Channel", "ClosedError", "Journal", "Kind", "Login", "RefusedError"]
