"""MAIL, RCPT and RSET: the envelope."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mailsim.servers import replies
from mailsim.servers.envelope import Recipient
from mailsim.servers.log import printable
from mailsim.servers.queue.refused import Refused
from mailsim.servers.smtp.names import xtext
from mailsim.servers.smtp.parsing import BadAddressError, extract
from mailsim.servers.smtp.state import Transaction

if TYPE_CHECKING:
    from mailsim.servers.smtp.channel import Channel
    from mailsim.servers.smtp.words import Word

_OVERSHOOT = 1000  # smtpd_recipient_overshoot_limit
_SPACE = 1.5  # smtpd_space_multf
_OFF_T = 2**63 - 1
_NOTIFY = ("SUCCESS", "FAILURE", "DELAY")
_ORCPT = re.compile(r"([^;]+);(.*)")


async def mail(session: Channel, words: list[Word]) -> bool:
    """MAIL FROM:<address> [parameters]   ; RFC 5321 §4.1.1.2"""
    begun = _mail(session, words)
    session.state.mail, session.state.left = begun, None
    await session.say(replies.MAIL_OK())
    return True


def _mail(session: Channel, words: list[Word]) -> Transaction:
    state, config = session.state, session.config
    if config.smtpd_helo_required and state.helo is None:
        raise Refused(replies.HELO_FIRST())
    if state.mail is not None:
        raise Refused(replies.NESTED_MAIL())
    if state.broken_chunks:
        raise Refused(replies.AFTER_BDAT(verb="MAIL"))
    if len(words) < 3 or words[1].text.lower() != "from:":
        raise Refused(replies.MAIL_SYNTAX())
    options = [word.text for word in words[3:]]
    utf8 = any(option.upper() == "SMTPUTF8" for option in options)
    begun = Transaction(_path(session, words[2], utf8=utf8, sender=True), smtputf8=utf8)
    if left := state.left:
        begun.body, begun.sasl_sender = left.body, left.sasl_sender
        begun.announced = left.announced
    state.left = begun
    _mail_options(begun, options)
    if begun.announced > config.message_size_limit > 0:
        raise Refused(session.restrictions.reject_mail(begun.sender, replies.SIZE_LIMIT()))
    if not config.smtpd_delay_reject and (
        found := session.restrictions.sender_at_mail(begun.sender)
    ):
        raise Refused(found)
    _check_space(session, begun)
    return begun


def _check_space(session: Channel, begun: Transaction) -> None:
    """Whether the disk has room for a message and a half of the greatest size (smtpd_check_queue)."""
    free = session.world.store.free()
    if free <= _SPACE * session.config.message_size_limit:
        reply = session.restrictions.reject_mail(begun.sender, replies.NO_SPACE())
        text = (
            f"not enough free space in mail queue: {free:.0f} bytes < {_SPACE:g}*message size limit"
        )
        session.journal.warn(text)
        raise Refused(reply)


def _path(session: Channel, word: Word, *, utf8: bool, sender: bool) -> str:
    """The address in the word behind FROM: or TO:."""
    refusal = (replies.BAD_SENDER if sender else replies.BAD_RECIPIENT)()
    if word.broken:
        raise Refused(refusal)
    strict = session.config.strict_rfc821_envelopes
    try:
        return extract(
            word.text, session.restrictions.resolve, empty=sender, strict=strict, utf8=utf8
        )
    except BadAddressError:
        session.journal.bad_address(session.state, word.text)
        raise Refused(refusal) from None


def _mail_options(begun: Transaction, options: list[str]) -> None:
    """Read MAIL's parameters."""
    for option in options:
        name, _, value = option.partition("=")
        name = name.upper()
        if name == "SIZE" and "=" in option:
            begun.announced = _size(begun, value)
        elif not _mail_option(begun, option.upper(), name, value):
            raise Refused(replies.UNSUPPORTED(option=option))


def _mail_option(begun: Transaction, option: str, name: str, value: str) -> bool:
    if option in ("BODY=8BITMIME", "BODY=7BIT"):
        begun.body = option.partition("=")[2]
    elif name == "AUTH" and "=" in option:
        if begun.sasl_sender:
            raise Refused(replies.MULTIPLE_AUTH())
        begun.sasl_sender = "" if value == "<>" else printable(value)
    elif name == "RET" and "=" in option:
        if begun.ret or value.upper() not in ("FULL", "HDRS"):
            raise Refused(replies.BAD_RET())
        begun.ret = value.upper()
    elif name == "ENVID" and "=" in option:
        read = xtext(value)
        if begun.envid or not read or not (read.isascii() and read.isprintable()):
            raise Refused(replies.BAD_ENVID())
        begun.envid = read
    else:
        return option == "SMTPUTF8"
    return True


def _size(begun: Transaction, value: str) -> int:
    if not (value.isascii() and value.isdecimal()):
        raise Refused(replies.BAD_SIZE())
    if len(value) > len(str(_OFF_T)) or int(value) > _OFF_T:
        begun.announced = -1  # which takes back what a refused MAIL before it announced
        raise Refused(replies.SIZE_OVERFLOW())
    return int(value)


async def rcpt(session: Channel, words: list[Word]) -> bool:
    """RCPT TO:<address> [parameters]   ; RFC 5321 §4.1.1.3"""
    mail = session.state.mail
    if mail is None:
        raise Refused(replies.NEED_MAIL())
    recipient = _rcpt(session, mail, words)
    limit = session.config.smtpd_recipient_limit
    if limit and len(mail.recipients) >= limit:
        await session.say(replies.TOO_MANY_RECIPIENTS())
        mail.overshoot += 1
        # Overshooting is no error at first: RFC 5321 §4.5.3.1.10 has the client go on.
        return mail.overshoot <= _OVERSHOOT
    if refusal := session.restrictions.recipient(recipient.address):
        raise Refused(refusal)
    mail.recipients.append(recipient)
    if not mail.queue_id:
        mail.queue_id = session.world.queue.new_id()
        session.journal.opened(session.state, mail)
    await session.say(replies.RCPT_OK())
    return True


def _rcpt(session: Channel, mail: Transaction, words: list[Word]) -> Recipient:
    if mail.chunks is not None or session.state.broken_chunks:
        raise Refused(replies.AFTER_BDAT(verb="RCPT"))
    if len(words) < 3 or words[1].text.lower() != "to:":
        raise Refused(replies.RCPT_SYNTAX())
    address = _path(session, words[2], utf8=mail.smtputf8, sender=False)
    notify = orcpt = ""
    for option in (word.text for word in words[3:]):
        name, equals, value = option.partition("=")
        if equals and name.upper() == "NOTIFY":
            notify = _notify(session, value, notify)
        elif equals and name.upper() == "ORCPT":
            orcpt = _orcpt(value, orcpt)
        else:
            raise Refused(replies.UNSUPPORTED(option=option))
    return Recipient(address, notify, orcpt)


def _notify(session: Channel, value: str, before: str) -> str:
    """ "NEVER", or a list of SUCCESS, FAILURE and DELAY (RFC 3461 §4.1)."""
    # Postfix passes over commas too many, and over what is asked twice.
    asked = list(dict.fromkeys(one for one in value.upper().split(",") if one))
    unknown = [one for one in value.split(",") if one and one.upper() not in ("NEVER", *_NOTIFY)]
    if unknown and not before:
        shown = f'value "{printable(unknown[0])}" in "{printable(value)}"'
        session.journal.warn(f"unknown DSN NOTIFY command {shown}")
    known = asked == ["NEVER"] or all(one in _NOTIFY for one in asked)
    if before or not asked or not known:
        raise Refused(replies.BAD_NOTIFY())
    return ",".join(asked)


def _orcpt(value: str, before: str) -> str:
    """addr-type ";" xtext   ; RFC 3461 §4.2"""
    found = _ORCPT.fullmatch(value)
    address = xtext(found[2]) if found else None
    if before or not found or address is None:
        raise Refused(replies.BAD_ORCPT())
    # It stands in a report's field one day: a line end in it would begin another field.
    return f"{found[1]};{printable(address)}"


async def rset(session: Channel, words: list[Word]) -> bool:
    """RSET: the transaction is forgotten (RFC 5321 §4.1.1.5)."""
    if len(words) > 1:
        raise Refused(replies.RSET_SYNTAX())
    session.state.reset()
    await session.say(replies.OK())
    return True
