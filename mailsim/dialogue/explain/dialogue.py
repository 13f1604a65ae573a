"""A whole dialogue, explained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from mailsim.dialogue.explain.dns import DnsExplainer
from mailsim.dialogue.explain.explainer import Explainer
from mailsim.dialogue.explain.imap import ImapExplainer
from mailsim.dialogue.explain.managesieve import ManageSieveExplainer
from mailsim.dialogue.explain.pop3 import Pop3Explainer
from mailsim.dialogue.explain.smtp import SmtpExplainer
from mailsim.dialogue.explain.values import ExplainedExchange
from mailsim.dialogue.values import Dialogue
from mailsim.model import Protocol

EXPLAINERS: Final[Mapping[Protocol, Callable[[], Explainer]]] = {
    Protocol.SMTP: SmtpExplainer,
    Protocol.LMTP: lambda: SmtpExplainer(lmtp=True),
    Protocol.POP3: Pop3Explainer,
    Protocol.IMAP: ImapExplainer,
    Protocol.MANAGESIEVE: ManageSieveExplainer,
    Protocol.DNS: DnsExplainer,
}


def explain(dialogue: Dialogue) -> tuple[ExplainedExchange, ...]:
    """Each exchange with each of its rows explained; what is not known has no entries.

    Nothing is masked: `redact` the dialogue first, a masked one is understood too.
    """
    explainer = EXPLAINERS[dialogue.endpoint.protocol]()
    return tuple(explainer.exchange(exchange) for exchange in dialogue.exchanges)
