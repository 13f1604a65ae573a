"""The catalogue of the SMTP servers' replies: all of them are explained, and nobody else has any."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mailsim.dialogue.explain import explain_text
from mailsim.dialogue.explain.lookup import enhanced, wording
from mailsim.model.stage import Release
from mailsim.servers import replies

VALUES = {
    "host": "mail.minfo.sn",
    "address": "192.168.66.66",
    "client": "spammeur.pub.sn[192.168.66.66]",
    "verb": "RCPT",
    "commands": "AUTH BDAT DATA",
    "domain": "pub.sn",
    "challenge": "VXNlcm5hbWU6",
    "reason": "; Spam was received",
    "option": "X=1",
    "size": 14,
    "queue_id": "4F2A31C0D5",
    "attribute": "ADDR",
    "value": "x",
    "name": "user@pub.sn",
    "what": "Sender address",
    "zone": "dnsbl.minfo.sn",
    "user": "user",
}
OTHERS = {"HELO_SYNTAX": {"verb": "EHLO"}, "XCLIENT_SYNTAX": {"verb": "XCLIENT"}}
# What they say is the client's own, or the server's name.
ECHOES = {"HELO", "VRFY_OK", "AUTH_CHALLENGE"}
CATALOGUE = replies.catalogue()
SERVERS = Path(replies.__file__).parent
SPEAKERS = [
    *sorted(SERVERS.glob("smtp/*.py")),
    *(SERVERS / name for name in ("peers.py", "peer_session.py", "replies.py")),
    *(SERVERS / "queue" / name for name in ("cleanup.py", "qmgr.py", "refused.py")),
]


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_every_reply_is_explained(name: str) -> None:
    reply = CATALOGUE[name](**VALUES | OTHERS.get(name, {}))
    assert explain_text(str(reply)).meanings
    _, text = enhanced(reply.lines[0])
    known = wording("smtp", text)
    assert (known is None) == (name in ECHOES)
    if known and (code := known[0].data["code"]):
        # Restrictions' codes are the postmaster's to choose, and 450 may stand for 550.
        assert code[0] == str(reply.code)[0] or known[0].data["restriction"]


def test_the_catalogue_is_whole() -> None:
    assert len(CATALOGUE) > 80
    assert {f"BANNER_{release.name}" for release in Release} <= set(CATALOGUE)


@pytest.mark.parametrize("path", SPEAKERS, ids=lambda path: path.stem)
def test_no_other_module_words_a_reply(path: Path) -> None:
    found = re.findall(r"[\"'][2-5]\d\d[ -]\d?|Reply\.of\(", path.read_text(encoding="utf-8"))
    assert bool(found) == (path.stem == "replies")


def test_a_reply_of_several_lines_keeps_them() -> None:
    reply = replies.reply("250-mail.minfo.sn\n250 DSN")
    assert reply.units() == (b"250-mail.minfo.sn\r\n", b"250 DSN\r\n")


@pytest.mark.parametrize(
    ("release", "name"), [(Release.BOOKWORM, "Debian/GNU"), (Release.NOBLE, "Ubuntu")]
)
def test_the_banner_names_the_distribution(release: Release, name: str) -> None:
    greeting = replies.banner(release, "mail.minfo.sn")
    assert str(greeting) == f"220 mail.minfo.sn ESMTP Postfix ({name})"
