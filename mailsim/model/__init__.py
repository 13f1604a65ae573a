"""Plain values that everything above shares: what exists, where it is reached, what was seen."""

from mailsim.model.endpoint import Endpoint, Protocol, Security

__all__ = ["Endpoint", "Protocol", "Security"]
