"""A message that the queue does not take."""

from __future__ import annotations

from mailsim.wire.smtp import Reply


class Refused(Exception):
    """`reply` is what smtpd must answer."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply
