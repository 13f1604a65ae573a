"""Clients that a student steps by hand: every method says one thing and returns what came of it.

`mailsim` itself has the names: `from mailsim import SmtpTracer`.
"""
