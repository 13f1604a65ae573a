"""Takes the secrets out of a dialogue before anything shows it.

>>> redact(dialogue)                      # a Dialogue in which MASK stands for each secret
>>> redactor = Redactor(endpoint)         # the same while the connection is open:
>>> redactor.feed(exchange)               # an Exchange, with what is known so far masked
"""

from mailsim.dialogue.redact.redactor import Redactor, redact

__all__ = ["Redactor", "redact"]
