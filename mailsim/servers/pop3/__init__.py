"""The POP3 server, as Dovecot's."""

from mailsim.servers.pop3.session import Pop3Session

__all__ = ["Pop3Session"]
