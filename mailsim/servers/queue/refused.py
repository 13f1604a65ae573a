"""A refusal: the answer in place of "Ok"."""

from __future__ import annotations

from mailsim.wire.smtp import Reply


class Refused(Exception):
    """`reply` is what smtpd must answer; it is sent where the command is performed."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply
