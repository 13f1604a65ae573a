"""A refusal: the answer in place of "Ok"."""

from __future__ import annotations

from mailsim.wire.smtp import Reply


class Refused(Exception):
    """`reply` is what smtpd must answer; it is sent where the command is performed.  `warning` is
    what cleanup says of it in the log, if anything."""

    def __init__(self, reply: Reply, warning: str = "") -> None:
        super().__init__(str(reply))
        self.reply = reply
        self.warning = warning
