"""A refusal: the answer in place of "Ok"."""

from __future__ import annotations

from mailsim.wire.smtp import Reply

# cleanup_strerror() of CLEANUP_STAT_WRITE
WRITE_ERROR = Reply.of(451, "4.3.0", "Error: queue file write error")


class Refused(Exception):
    """`reply` is what smtpd must answer; it is sent where the command is performed."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply
