"""The thesis's errors that a client sees: not there, switched on, and gone when switched off.

On a container each switch runs the roles; MAILSIM_CONTRACT_FAULTS says which are tried there:
F8 if nothing is said, or others, or `all`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest

from mailsim import Lab
from mailsim.errors import MailsimError
from mailsim.model.endpoint import PortState
from mailsim.model.journey import StopKind
from tests.contract.post import Post
from tests.contract.test_filter import GTUBE

Symptom = Callable[[Lab, Post], bool]


def _f6(lab: Lab, _: Post) -> bool:
    with lab.smtp(as_host="localhost") as smtp:
        replies = [smtp.send_raw(f"{one}\r\n").code for one in ("EHLO 121.12.54.75", "MAIL FROM:<a@ugb.sn>", "RCPT TO:<user@minfo.sn>")]  # fmt: skip
    return replies[-1] == 504


def _f7(lab: Lab, _: Post) -> bool:
    with lab.smtp() as smtp:
        smtp.ehlo("poste.minfo.sn")
        return "AUTH" in smtp.extensions and "mail.minfo.org" in smtp.greeting.text


def _f8(lab: Lab, _: Post) -> bool:
    with lab.smtp("submissions") as smtp:
        smtp.ehlo("poste.minfo.sn")
        smtp.mail("mactar@minfo.sn")
        return smtp.rcpt("autre_user@minfo.sn").ok


def _f10(lab: Lab, _: Post) -> bool:
    shut = {one.number for one in lab.scan() if one.state is PortState.FILTERED}
    return {53, 80, 443} <= shut


def _f12(_: Lab, post: Post) -> bool:
    way = post.arrive("secretaire@ugb.sn", "user@minfo.sn", GTUBE)
    return not [one for one in way.of(StopKind.STORED) if one.line.fields["mailbox"] == "Junk"]


def _f18(_: Lab, post: Post) -> bool:
    way = post.arrive("secretaire@ugb.sn", "user@minfo.sn", GTUBE)
    return way.of(StopKind.FILTERED)[0].line.fields["verdict"] != "Passed SPAM"


def _f20(_: Lab, post: Post) -> bool:
    way = post.arrive("secretaire@ugb.sn", "autre_user@minfo.sn")
    return "X-Spam-Status" not in post.read("autre_user", way.message_id)


def _f22(lab: Lab, _: Post) -> bool:
    with lab.imap("imaps") as imap:
        return imap.login("mactar", "minfo").ok


def _f23(lab: Lab, _: Post) -> bool:
    with lab.dns() as dns:
        return dns.dnsbl("192.168.20.1", "dnsbl.minfo.sn").texts == ("127.0.0.2",)


def _f24(lab: Lab, _: Post) -> bool:
    with lab.smtp() as smtp:
        smtp.ehlo("poste.minfo.sn")
        return smtp.vrfy("user@minfo.sn").code == 252


def _f28(lab: Lab, _: Post) -> bool:
    try:
        lab.smtp("submissions").close()
    except MailsimError:
        return True
    return False


def _f29(_: Lab, post: Post) -> bool:
    way = post.submit("user", "secretaire@ugb.sn")
    return "secretariat@ugb.sn" in {one.line.fields["to"].strip("<>") for one in way.of(StopKind.BOUNCED)}  # fmt: skip


def _certificate(lab: Lab, _: Post) -> bool:
    try:
        lab.imap("imaps").close()
    except MailsimError:
        return True
    return False


SYMPTOMS: Final[dict[str, Symptom]] = {
    "F6": _f6,
    "F7": _f7,
    "F8": _f8,
    "F10": _f10,
    "F12": _f12,
    "F16": _f12,
    "F18": _f18,
    "F20": _f20,
    "F22": _f22,
    "F23": _f23,
    "F24": _f24,
    "F28": _f28,
    "F29": _f29,
    "self-signed": _certificate,
    "expired": _certificate,
    "wrong-name": _certificate,
}


@pytest.mark.changes
@pytest.mark.stages(since="sieve")
@pytest.mark.inventory("DEM7", "DEM5", "REL5", "REL6", "FW3", "SIE1", "SIE5", "SPA9", "TLS6", "TLS4")  # fmt: skip
@pytest.mark.parametrize("fault", SYMPTOMS)
def test_a_fault_shows_and_goes(lab: Lab, post: Post, fault: str) -> None:
    symptom = SYMPTOMS[fault]
    assert not symptom(lab, post)
    assert lab.fault(fault) == (fault,)
    assert symptom(lab, post)
    assert lab.fault(fault, on=False) == ()
    assert not symptom(lab, post)
