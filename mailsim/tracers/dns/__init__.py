"""The DNS tracer: ask a named server, see what it answers.

dnspython is imported when a question is made, not before.
"""

from mailsim.tracers.dns.message import Message, Question, Record, Transport
from mailsim.tracers.dns.step import DnsStep
from mailsim.tracers.dns.tracer import DnsTracer

__all__ = ["DnsStep", "DnsTracer", "Message", "Question", "Record", "Transport"]
