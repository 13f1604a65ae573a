"""SMTP and LMTP on the wire: paths, commands, replies, message content."""

from mailsim.wire.smtp.auth import Auth, SaslAnswer
from mailsim.wire.smtp.commands import (
    Command,
    Data,
    Ehlo,
    Etrn,
    Expn,
    Helo,
    Help,
    Lhlo,
    Mail,
    Noop,
    Quit,
    Rcpt,
    Rset,
    StartTls,
    Vrfy,
    Xclient,
    Xforward,
)
from mailsim.wire.smtp.content import Bdat, Content
from mailsim.wire.smtp.params import Parameter, xtext_decode, xtext_encode
from mailsim.wire.smtp.parse import Malformed, Problem, Unknown, parse_command
from mailsim.wire.smtp.path import Path
from mailsim.wire.smtp.replies import EnhancedCode, Reply, ReplyLine, parse_reply_line

__all__ = [
    "Auth",
    "Bdat",
    "Command",
    "Content",
    "Data",
    "Ehlo",
    "EnhancedCode",
    "Etrn",
    "Expn",
    "Helo",
    "Help",
    "Lhlo",
    "Mail",
    "Malformed",
    "Noop",
    "Parameter",
    "Path",
    "Problem",
    "Quit",
    "Rcpt",
    "Reply",
    "ReplyLine",
    "Rset",
    "SaslAnswer",
    "StartTls",
    "Unknown",
    "Vrfy",
    "Xclient",
    "Xforward",
    "parse_command",
    "parse_reply_line",
    "xtext_decode",
    "xtext_encode",
]
