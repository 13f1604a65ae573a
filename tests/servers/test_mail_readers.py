"""The programs that people read mail with: mbsync both ways, offlineimap, neomutt in batch."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailsim.lab.network import network
from mailsim.model.stage import Release, Stage
from mailsim.net.ca import LabCa
from mailsim.servers.embedded import Embedded
from mailsim.servers.store.values import NoSuchMailboxError
from mailsim.servers.world import World
from tests.servers.test_real_clients import program

LETTERS = {
    "INBOX": ("un", "deux", "trois"),
    "Amis": ("quatre",),
    "Projets/Été": ("cinq",),
}


class Site:
    """A lab with mail in user's mailboxes, and a home for the client."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.home.mkdir()
        self.ca = LabCa.load(folder, network())
        self.servers = Embedded(
            network(),
            stage=Stage.SIEVE,
            release=Release.NOBLE,
            seed="readers",
            fixed=False,
            ca=self.ca,
        )
        self.servers.start()
        self.servers.call(self._fill)

    @staticmethod
    def _fill(world: World) -> None:
        for mailbox, subjects in LETTERS.items():
            for subject in subjects:
                world.store.deliver("user", mailbox, letter(subject), received=1.3e9)

    @property
    def port(self) -> str:
        return str(self.servers.endpoints["imaps"][1])

    def subjects(self, mailbox: str) -> list[str]:
        """What the server has there, in the order of UIDs."""

        def look(world: World) -> list[str]:
            try:
                box = world.store.open("user", mailbox)
            except NoSuchMailboxError:
                return []
            return [subject_of(box.content(uid)) for uid in box.uids]

        return self.servers.call(look)

    def flags(self, mailbox: str) -> dict[str, set[str]]:
        """Each subject's flags."""

        def look(world: World) -> dict[str, set[str]]:
            box = world.store.open("user", mailbox)
            return {
                subject_of(box.content(uid)): set(box.message(uid).flags) - {"\\Recent"}
                for uid in box.uids
            }

        return self.servers.call(look)

    def run(self, *command: str, given: str | None = None) -> str:
        """What the program says; it must end well."""
        done = subprocess.run(
            [program(command[0]), *command[1:]],
            input=given,
            env=os.environ | {"HOME": str(self.home), "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def write(self, name: str, text: str) -> Path:
        """A file of the client's, for its owner alone."""
        path = self.home / name
        path.write_text(text.format(port=self.port, home=self.home, ca=self.ca.certificate))
        path.chmod(0o600)
        return path


def letter(subject: str) -> bytes:
    lines = (
        "From: secretaire@ugb.sn", "To: user@minfo.sn", f"Subject: {subject}",
        f"Message-ID: <{subject}@ugb.sn>", "Date: Mon, 21 Jun 2010 08:00:00 +0000", "", "Bonjour.", "",
    )  # fmt: skip
    return "\r\n".join(lines).encode()


def subject_of(content: bytes) -> str:
    (line,) = (one for one in content.splitlines() if one.startswith(b"Subject: "))
    return line.removeprefix(b"Subject: ").decode()


def local(root: Path) -> dict[str, list[str]]:
    """The subjects in a tree of Maildirs."""
    found: dict[str, list[str]] = {}
    for path in sorted((*root.glob("**/cur/*"), *root.glob("**/new/*"))):
        name = str(path.parent.parent.relative_to(root))
        found.setdefault(name, []).append(subject_of(path.read_bytes()))
    return {name: sorted(subjects) for name, subjects in found.items()}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.servers.stop()


MBSYNC = """\
IMAPAccount lab
Host localhost
Port {port}
User user
Pass minfo
SSLType IMAPS
CertificateFile {ca}
SystemCertificates no

IMAPStore there
Account lab

MaildirStore here
Path {home}/mail/
Inbox {home}/mail/INBOX
SubFolders Verbatim

Channel both
Far :there:
Near :here:
Patterns *
Create Both
Expunge Both
Sync All
"""


def test_mbsync_goes_both_ways(site: Site) -> None:
    site.write(".mbsyncrc", MBSYNC)
    (site.home / "mail").mkdir()
    site.run("mbsync", "-a")
    mail = site.home / "mail"
    there = local(mail)
    assert there["INBOX"] == ["deux", "trois", "un"]
    assert there["Amis"] == ["quatre"]
    # What is new here, deleted here and read here is so there.
    fresh = mail / "Amis" / "cur" / "1300000000.1_1.poste:2,S"
    fresh.write_bytes(letter("six").replace(b"\r\n", b"\n"))
    (gone,) = (one for one in (mail / "INBOX").glob("*/*") if b"Subject: un\n" in one.read_bytes())
    gone.unlink()
    site.run("mbsync", "-a")
    assert site.subjects("Amis") == ["quatre", "six"]
    assert site.flags("Amis") == {"quatre": set(), "six": {"\\Seen"}}
    assert site.subjects("INBOX") == ["deux", "trois"]
    # And what has changed there comes here.
    site.servers.call(lambda world: world.store.deliver("user", "INBOX", letter("sept")))
    site.servers.call(
        lambda world: world.store.open("user", "INBOX").change_flags([2], ["\\Flagged"], "+")
    )
    site.run("mbsync", "-a")
    assert local(mail)["INBOX"] == ["deux", "sept", "trois"]
    (flagged,) = (one for one in (mail / "INBOX").glob("*/*") if b": deux\n" in one.read_bytes())
    assert flagged.name.endswith("F")
    assert site.run("mbsync", "-a", "-V").count("error") == 0


OFFLINEIMAP = """\
[general]
accounts = lab
metadata = {home}/meta
ui = basic
[Account lab]
localrepository = here
remoterepository = there
[Repository here]
type = Maildir
localfolders = {home}/offline
sep = .
[Repository there]
type = IMAP
remotehost = localhost
remoteport = {port}
remoteuser = user
remotepass = minfo
ssl = yes
sslcacertfile = {ca}
ssl_version = tls1_2
"""


def test_offlineimap_brings_all_mailboxes_and_takes_changes_back(site: Site) -> None:
    config = site.write("offlineimaprc", OFFLINEIMAP)
    site.run("offlineimap", "-o", "-c", str(config))
    there = local(site.home / "offline")
    assert there["INBOX"] == ["deux", "trois", "un"]
    assert sum(len(subjects) for subjects in there.values()) == 5
    fresh = site.home / "offline" / "INBOX" / "new" / "1300000000_1.1.poste:2,"
    fresh.write_bytes(letter("six").replace(b"\r\n", b"\n"))
    site.run("offlineimap", "-o", "-c", str(config))
    assert sorted(site.subjects("INBOX")) == ["deux", "six", "trois", "un"]


NEOMUTT = """\
set folder = "imaps://user@localhost:{port}/"
set spoolfile = "+INBOX"
set imap_pass = "minfo"
set ssl_force_tls = yes
set certificate_file = "{ca}"
set ssl_usesystemcerts = no
set header_cache = ""
set message_cachedir = ""
set mail_check = 0
set timeout = 1
set delete = yes
set wait_key = no
set confirmappend = no
set confirmcreate = no
set move = no
set quit = yes
"""


def test_neomutt_tags_copies_deletes_and_leaves(site: Site) -> None:
    keys = (
        'push "<tag-pattern>~s deux<enter><tag-prefix><copy-message>+Amis<enter>'
        '<delete-pattern>~s trois<enter><sync-mailbox><quit>"\n'
    )
    config = site.write("muttrc", NEOMUTT + keys.replace("{", "{{").replace("}", "}}"))
    site.run("script", "-q", "-e", "-c", f"{program('neomutt')} -n -F {config}", "/dev/null")
    assert site.subjects("Amis") == ["quatre", "deux"]
    assert site.subjects("INBOX") == ["un", "deux"]
