"""Clients that a student steps by hand: every method says one thing and returns what came of it."""

from mailsim.tracers.smtp import LmtpTracer, SmtpTracer
from mailsim.tracers.step import Step

__all__ = ["LmtpTracer", "SmtpTracer", "Step"]
