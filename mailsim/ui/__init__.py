"""What a notebook shows to be worked with: five widgets over calls that exist without them.

    from mailsim import Lab, ui
    lab = Lab()
    ui.stepper(lab.smtp)              # a dialogue, a line at a time
    ui.explorer("550")                # return codes of every protocol
    ui.bench("PLAIN", "user")         # base64 and SASL, bit by bit
    ui.panel(lab)                     # the lab: stage, services, mail, log, settings
    ui.journey(lab, "premier@poste.minfo.sn")

Each gives an object that shows itself in a notebook and that a script can work: the same
calls as its buttons.  `lang` is "en", "fr" or the reader's.  ipywidgets and anywidget are
imported when the first of them is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailsim.lab.lab import Lab
    from mailsim.model.journey import Journey
    from mailsim.ui.code_explorer import Explorer
    from mailsim.ui.dialogue_stepper import Stepper
    from mailsim.ui.journey_view import JourneyView
    from mailsim.ui.lab_panel import Panel
    from mailsim.ui.sasl_bench import Bench
    from mailsim.ui.stepping import Source


def stepper(source: Source, script: str = "", lang: str | None = None) -> Stepper:
    """A dialogue with `source`: a tracer (`lab.smtp()`) or a call that makes one (`lab.smtp`).

    With a call, it can connect again.  `script`: lines to be offered in turn.
    """
    from mailsim.ui.dialogue_stepper import Stepper  # noqa: PLC0415 - 170 ms, for notebooks alone

    return Stepper(source, script, lang)


def explorer(
    text: str = "", protocol: str = "", outcome: str = "", lang: str | None = None
) -> Explorer:
    """The return codes that hold `text`, of a protocol ("smtp") and class ("permanent") or of all."""
    from mailsim.ui.code_explorer import Explorer  # noqa: PLC0415 - as above

    return Explorer(text, protocol, outcome, lang)


def bench(
    mechanism: str = "PLAIN", user: str = "user", password: str = "", lang: str | None = None
) -> Bench:
    """A login by `mechanism`, every step of it with its base64; a text; a captured token."""
    from mailsim.ui.sasl_bench import Bench  # noqa: PLC0415 - as above

    return Bench(mechanism, user, password, lang)


def panel(lab: Lab, lang: str | None = None) -> Panel:
    """What the lab is and holds, and its reset to any stage."""
    from mailsim.ui.lab_panel import Panel  # noqa: PLC0415 - as above

    return Panel(lab, lang)


def journey(source: Lab | Journey, message: str = "", lang: str | None = None) -> JourneyView:
    """A message's way, stop by stop: a Journey, or a lab and the message's id."""
    from mailsim.ui.journey_view import JourneyView  # noqa: PLC0415 - as above

    return JourneyView(source, message, lang)


__all__ = ["bench", "explorer", "journey", "panel", "stepper"]
