"""IMAP4rev1 as Dovecot serves it, and IMAP4rev2 in the release `full` (RFC 3501, RFC 9051)."""

from mailsim.servers.imap.session import ImapSession

__all__ = ["ImapSession"]
