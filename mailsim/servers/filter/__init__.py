"""The content filter: Amavis, with ClamAV and SpamAssassin behind it (AMA, CLM, SPA)."""

from mailsim.servers.filter.amavis import Filter
from mailsim.servers.filter.judgement import Judgement, Quarantined
from mailsim.servers.filter.spam import Score

__all__ = ["Filter", "Judgement", "Quarantined", "Score"]
