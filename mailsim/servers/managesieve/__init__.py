"""The ManageSieve server, as Pigeonhole's."""

from mailsim.servers.managesieve.session import ManageSieveSession

__all__ = ["ManageSieveSession"]
