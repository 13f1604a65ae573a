"""The whole of secured e-mail in a lab you can see through.

The public names are imported when they are first used, so that `import mailsim`
costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mailsim.errors import LabError, MailsimError, UsageError
    from mailsim.lab.exercises import Exercises
    from mailsim.lab.lab import Lab
    from mailsim.net.scripted import ScriptedPeer
    from mailsim.secret import Secret
    from mailsim.tracers.dns import DnsTracer
    from mailsim.tracers.imap import ImapTracer
    from mailsim.tracers.managesieve import ManageSieveTracer
    from mailsim.tracers.pop3 import Pop3Tracer
    from mailsim.tracers.smtp import LmtpTracer, SmtpTracer

__version__ = "0.1.0"

__all__ = [
    "DnsTracer",
    "Exercises",
    "ImapTracer",
    "Lab",
    "LabError",
    "LmtpTracer",
    "MailsimError",
    "ManageSieveTracer",
    "Pop3Tracer",
    "ScriptedPeer",
    "Secret",
    "SmtpTracer",
    "UsageError",
    "__version__",
]

# Each public name and the module where it stands.
_HOMES: Final = {
    "DnsTracer": "mailsim.tracers.dns",
    "Exercises": "mailsim.lab.exercises",
    "ImapTracer": "mailsim.tracers.imap",
    "Lab": "mailsim.lab.lab",
    "LabError": "mailsim.errors",
    "LmtpTracer": "mailsim.tracers.smtp",
    "MailsimError": "mailsim.errors",
    "ManageSieveTracer": "mailsim.tracers.managesieve",
    "Pop3Tracer": "mailsim.tracers.pop3",
    "ScriptedPeer": "mailsim.net.scripted",
    "Secret": "mailsim.secret",
    "SmtpTracer": "mailsim.tracers.smtp",
    "UsageError": "mailsim.errors",
}


if not TYPE_CHECKING:  # a type checker that saw it would take every name for granted

    def __getattr__(name: str) -> object:
        """The public name `name`, from its own module (PEP 562)."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value: object = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
