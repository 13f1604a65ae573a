"""Dialogues: what was said, written down, explained, compared, kept as JSON."""

from mailsim.dialogue.recorder import Recorder
from mailsim.dialogue.values import Dialogue, Exchange, Line, Note, Side

__all__ = ["Dialogue", "Exchange", "Line", "Note", "Recorder", "Side"]
