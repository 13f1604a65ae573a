"""Dovecot's LMTP server: final delivery, with Sieve from stage `sieve` on."""

from mailsim.servers.lmtp.delivery import Delivered, Lmtp

__all__ = ["Delivered", "Lmtp"]
