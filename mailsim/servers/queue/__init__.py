"""The queue: accepts mail, delivers it here, through the filter or elsewhere, and tries again."""

from mailsim.servers.queue.qmgr import Queue
from mailsim.servers.queue.refused import Refused

__all__ = ["Queue", "Refused"]
