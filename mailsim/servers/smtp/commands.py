"""smtpd's table of commands."""

from __future__ import annotations

from functools import lru_cache

from mailsim.servers.smtp import content, hello, login, transaction, various, xclient
from mailsim.servers.smtp.channel import Entry

_TABLE = {
    "HELO": Entry(hello.helo, junk=True, before_tls=True, last=True),
    "EHLO": Entry(hello.ehlo, junk=True, before_tls=True, last=True),
    "XCLIENT": Entry(xclient.xclient, before_tls=True),
    "XFORWARD": Entry(xclient.xforward),
    "STARTTLS": Entry(hello.starttls, before_tls=True),
    "AUTH": Entry(login.auth),
    "MAIL": Entry(transaction.mail),
    "RCPT": Entry(transaction.rcpt),
    "DATA": Entry(content.data, last=True),
    "BDAT": Entry(content.bdat),
    "RSET": Entry(transaction.rset, junk=True),
    "NOOP": Entry(various.noop, junk=True, before_tls=True, last=True),
    "VRFY": Entry(various.vrfy, junk=True, last=True),
    "ETRN": Entry(various.etrn, junk=True),
    "QUIT": Entry(various.bye, before_tls=True),
}
_HELP = Entry(various.help_, junk=True, before_tls=True, last=True)
_HELP_SINCE = (3, 9, 0)


@lru_cache
def table(version: tuple[int, int, int]) -> dict[str, Entry]:
    """The commands that this version of Postfix knows."""
    return _TABLE | ({"HELP": _HELP} if version >= _HELP_SINCE else {})
