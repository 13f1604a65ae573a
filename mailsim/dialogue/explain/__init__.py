"""What each line of a dialogue means, and what anything typed by a person means.

>>> explain(dialogue)                  # each exchange, each row with its entries of knowledge
>>> explain_text("550 5.1.1 …")        # any reply, code, command, capability, response
"""

from mailsim.dialogue.explain.dialogue import explain
from mailsim.dialogue.explain.text import explain_text
from mailsim.dialogue.explain.text_values import Meaning, TextExplanation
from mailsim.dialogue.explain.values import ExplainedExchange, Explanation

__all__ = [
    "ExplainedExchange",
    "Explanation",
    "Meaning",
    "TextExplanation",
    "explain",
    "explain_text",
]
