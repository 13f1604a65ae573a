"""What becomes of a message at its last stop: Dovecot's LMTP server with Pigeonhole, and ours."""

from __future__ import annotations

import os
import re
import shutil
import smtplib
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mailsim.model.stage import Stage
from mailsim.servers.envelope import Recipient, Submission
from mailsim.servers.lmtp import Lmtp
from mailsim.servers.queue.journal import Journal
from tests.oracles.conftest import _PATH, _address, _lacking
from tests.servers.queue.conftest import POSTE, FakeWorld

pytestmark = pytest.mark.oracle

_CONF = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = lmtp
listen = {address}
ssl = no
auth_username_format = %Ln
mail_location = maildir:~/Maildir
mail_uid = nobody
mail_gid = nogroup
first_valid_gid = 1
postmaster_address = postmaster@minfo.sn
hostname = mail.minfo.sn
recipient_delimiter = +
sendmail_path = {folder}/sendmail
mailbox_list_index = no
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={folder}/homes/%n
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
protocol lmtp {{
  mail_plugins = $mail_plugins sieve
}}
service lmtp {{
  inet_listener lmtp {{
    port = {port}
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
plugin {{
  sieve = file:~/sieve;active=~/.dovecot.sieve
  sieve_before = {folder}/etc/before.sieve
  sieve_default = {folder}/etc/dovecot.sieve
  sieve_after = {folder}/etc/after.sieve
  sieve_vacation_min_period = 0
  sieve_extensions = +editheader +vacation-seconds
}}
"""
# Keeps what it is asked to send, its arguments on the first line.
_SENDMAIL = """\
#!/bin/sh
it=$(mktemp {folder}/sent/XXXXXX)
{{ echo "$@"; cat; }} > "$it"
mv "$it" "{folder}/sent/$(date +%s.%N).mail"
"""
_GLOBAL = ("before", "default", "after")
_FILES = {"before": "before.sieve", "default": "dovecot.sieve", "after": "after.sieve"}
_JUNK = 'require ["fileinto", "mailbox"]; fileinto :create "Junk";'


@dataclass(frozen=True)
class Case:
    """One message.  `again` delivers it twice."""

    name: str
    personal: str | None = None
    scripts: dict[str, str] = field(default_factory=dict)
    sender: str = "secretaire@ugb.sn"
    fields: str = ""
    to: str = "user@minfo.sn"
    again: bool = False

    @property
    def message(self) -> bytes:
        lines = (
            "From: Secretaire <secretaire@ugb.sn>", "To: user@minfo.sn", "Subject: bonjour",
            "Message-ID: <1@ugb.sn>", *self.fields.splitlines(), "", "texte", "",
        )  # fmt: skip
        return "\r\n".join(lines).encode()


@dataclass(frozen=True)
class Seen:
    """What is compared: the reply, the log, the mailboxes' messages, what was sent."""

    replies: list[str]
    log: list[str]
    mailboxes: dict[str, list[tuple[str, str]]]
    sent: list[tuple[str, str]]


CASES = (
    Case("no script"),
    Case("keep", "keep;"),
    Case("fileinto, created", _JUNK),
    Case("fileinto, absent", 'require "fileinto"; fileinto "Absent";'),
    Case(
        "flags and copies",
        'require ["fileinto", "mailbox", "imap4flags", "copy"];'
        'fileinto :create :copy :flags "\\\\Seen" "Amis"; addflag "\\\\Flagged"; keep;',
    ),
    Case("discard", "discard;"),
    Case("redirect", 'redirect "etudiant@miage.sn";'),
    Case("redirect, twice the same message", 'redirect "etudiant@miage.sn";', again=True),
    Case("redirect of a bounce", 'redirect "etudiant@miage.sn";', sender=""),
    Case(
        "redirect, two copies",
        'require "copy"; redirect :copy "etudiant@miage.sn"; redirect :copy "cheikh@minfo.sn";',
    ),
    Case(
        "redirect in a circle",
        'redirect "user@minfo.sn";',
        fields="X-Sieve-Redirected-From: user@minfo.sn",
    ),
    Case(
        "five redirects",
        "".join(f'redirect "{one}@miage.sn";' for one in "abcde"),
    ),
    Case("reject", 'require "reject"; reject "Je ne veux pas";'),
    Case("reject, lines", 'require "reject"; reject text:\r\nNon é\r\nmerci\r\n.\r\n;'),
    Case("reject of a bounce", 'require "reject"; reject "Je ne veux pas";', sender=""),
    Case("reject and keep", 'require "reject"; reject "x"; keep;'),
    Case("keep and reject", 'require "reject"; keep; reject "x";'),
    Case("fileinto and reject", 'require ["reject", "fileinto"]; fileinto "INBOX"; reject "x";'),
    Case("reject and fileinto", 'require ["reject", "fileinto"]; reject "x"; fileinto "INBOX";'),
    Case("reject and redirect", 'require "reject"; reject "x"; redirect "etudiant@miage.sn";'),
    Case(
        "vacation",
        'require "vacation"; vacation :days 1 :subject "Absent" :addresses ["user@minfo.sn"] "Loin";',
    ),
    Case("vacation, twice", 'require "vacation"; vacation :days 1 "Loin";', again=True),
    Case(
        "vacation with accents",
        'require "vacation";'
        'vacation :subject "Congés" :from "Moi <user@minfo.sn>" "Je suis en congé\r\nau revoir";',
    ),
    Case(
        "vacation, a MIME entity",
        'require "vacation"; vacation :mime "Content-Type: text/plain\r\n\r\nLoin";',
    ),
    Case("vacation, a list", 'require "vacation"; vacation "x";', fields="List-Id: x"),
    Case("vacation, bulk", 'require "vacation"; vacation "x";', fields="Precedence: bulk"),
    Case(
        "vacation, an automaton",
        'require "vacation"; vacation "x";',
        fields="Auto-Submitted: auto-replied",
    ),
    Case("vacation, to another", 'require "vacation"; vacation "x";', to="user+x@minfo.sn"),
    Case("vacation of a bounce", 'require "vacation"; vacation "x";', sender=""),
    Case("vacation to oneself", 'require "vacation"; vacation "x";', sender="user@minfo.sn"),
    Case(
        "vacation to a program", 'require "vacation"; vacation "x";', sender="MAILER-DAEMON@ugb.sn"
    ),
    Case("a default", scripts={"default": _JUNK}),
    Case("a personal script before the default", "keep;", {"default": _JUNK}),
    Case("before, and stop", "keep;", {"before": _JUNK + "stop;"}),
    Case(
        "before, a copy, then personal",
        'require ["fileinto", "mailbox"]; fileinto :create "P";',
        {"before": _JUNK.replace('"fileinto"', '"fileinto", "copy"').replace(":create", ":copy :create")},
    ),
    Case("after a keep", "keep;", {"after": _JUNK}),
    Case("after a discard", "discard;", {"after": _JUNK}),
    Case("F16, global", scripts={"default": _JUNK.replace('"fileinto"', '"fileinto "')}),
    Case("F16, personal", _JUNK.replace('"fileinto"', '"fileinto "')),
    Case("an error in a personal script", 'require "ihave"; error "oops";', {"after": _JUNK}),
    Case("an error in a global script", scripts={"default": 'require "ihave"; error "oops";'}),
    Case(
        "a global script's mailbox is absent",
        scripts={"default": 'require "fileinto"; fileinto "Absent";'},
    ),
    Case(
        "before has sent when the personal script fails",
        'require "ihave"; error "oops";',
        {"before": 'require "copy"; redirect :copy "etudiant@miage.sn";'},
    ),
    Case("duplicate", 'require "duplicate"; if duplicate { discard; }', again=True),
    Case(
        "editheader",
        'require "editheader"; addheader "X-A" "b"; deleteheader "Subject";',
    ),
)  # fmt: skip


class Dovecot:
    """A real one."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self.address = _address()
        with socket.create_server((self.address, 0)) as free:
            self.port = free.getsockname()[1]
        for name in ("run", "state", "homes", "etc", "sent"):
            (folder / name).mkdir()
        for name in ("homes", "sent"):
            shutil.chown(folder / name, "nobody", "nogroup")
        folder.chmod(0o755)
        (folder / "users").write_text("user:{PLAIN}minfo\n")
        (folder / "sendmail").write_text(_SENDMAIL.format(folder=folder))
        (folder / "sendmail").chmod(0o755)
        conf = folder / "dovecot.conf"
        conf.write_text(_CONF.format(folder=folder, address=self.address, port=self.port))
        _run("dovecot", "-c", str(conf))
        stack.callback(_run, "doveadm", "-c", str(conf), "stop")

    def see(self, case: Case) -> Seen:
        """Deliver it."""
        self._furnish(case)
        begun = len(self._log())
        replies = [self._deliver(case) for _ in range(1 + case.again)]
        lines = self._log()[begun:].splitlines()
        return Seen(
            [_normal(one) for one in replies],
            [_logged(line) for line in lines if "> " in line or ">: " in line],
            self._mailboxes(),
            self._sent(),
        )

    def _furnish(self, case: Case) -> None:
        home = self.folder / "homes" / "user"
        shutil.rmtree(home, ignore_errors=True)
        (home / "sieve").mkdir(parents=True)
        for old in (self.folder / "etc").iterdir():
            old.unlink()
        for old in (self.folder / "sent").iterdir():
            old.unlink()
        for name in _GLOBAL:
            if name in case.scripts:
                self._script(self.folder / "etc" / _FILES[name], case.scripts[name])
        if case.personal is not None:
            self._script(home / "sieve" / "s.sieve", case.personal)
            (home / ".dovecot.sieve").symlink_to("sieve/s.sieve")
        for path in (home, *home.rglob("*")):
            shutil.chown(path, "nobody", "nogroup")

    @staticmethod
    def _script(path: Path, text: str) -> None:
        path.write_bytes(text.encode())
        os.utime(path, (0, 0))  # older than what is compiled of it
        if path.parent.name == "etc":  # Dovecot's own process may not write there
            _run("sievec", str(path), fails=True)

    def _deliver(self, case: Case) -> str:
        ended = self._log().count("Disconnect from")
        with smtplib.LMTP(self.address, self.port) as lmtp:
            lmtp.ehlo("mail.minfo.sn")
            lmtp.docmd(f"MAIL FROM:<{case.sender}>")
            lmtp.docmd(f"RCPT TO:<{case.to}>")
            lmtp.docmd("DATA")
            lmtp.send(case.message + b".\r\n")
            code, text = lmtp.getreply()
        for _ in range(500):
            if self._log().count("Disconnect from") > ended:
                break
            time.sleep(0.01)  # another process writes the log
        return f"{code} {text.decode()}"

    def _log(self) -> str:
        return (self.folder / "dovecot.log").read_text()

    def _mailboxes(self) -> dict[str, list[tuple[str, str]]]:
        root = self.folder / "homes" / "user" / "Maildir"
        found: dict[str, list[tuple[str, str]]] = {}
        for path in sorted((*root.glob("**/new/*"), *root.glob("**/cur/*"))):
            name = path.parent.parent.name
            mailbox = "INBOX" if name == "Maildir" else name.removeprefix(".")
            flags = path.name.partition(":2,")[2]
            found.setdefault(mailbox, []).append((flags, _untraced(path.read_bytes())))
        return found

    def _sent(self) -> list[tuple[str, str]]:
        sent = []
        for path in sorted((self.folder / "sent").glob("*.mail")):
            first, _, content = path.read_bytes().partition(b"\n")
            sent.append((_arguments(first.decode()), _untraced(content)))
        return sent


class Ours:
    """The simulator's."""

    def see(self, case: Case) -> Seen:
        """Deliver it."""
        world: Any = FakeWorld(Stage.SIEVE)
        texts = {f"sieve_{name}": case.scripts.get(name, "") for name in _GLOBAL}
        world.set(content_filter="", **texts)
        if case.personal is not None:
            world.store.put_script("user", "s", case.personal.encode())
            world.store.activate_script("user", "s")
        sent: list[Submission] = []

        def send(submission: Submission, _: object) -> str:
            sent.append(submission)
            return "A1"

        lmtp = Lmtp(world, Journal(world), send)
        replies = [self._deliver(world, lmtp, case) for _ in range(1 + case.again)]
        lines = (line.partition(" dovecot: ")[2] for line in world.log.lines())
        return Seen(
            [_normal(one) for one in replies],
            [_logged(line) for line in lines if ">: " in line],
            self._mailboxes(world),
            [(f"{one.sender} {one.recipients[0].address}", _untraced(one.content)) for one in sent],
        )

    @staticmethod
    def _deliver(world: Any, lmtp: Lmtp, case: Case) -> str:
        given = Submission(case.sender, (Recipient(case.to),), case.message, POSTE)
        with world.store.step():
            mail = world.queue._intake.take(given, None, ())
            return lmtp.deliver(mail, case.to, "user", case.to).reply

    @staticmethod
    def _mailboxes(world: Any) -> dict[str, list[tuple[str, str]]]:
        found: dict[str, list[tuple[str, str]]] = {}
        for one in world.store.list("user"):
            box = world.store.open("user", one.name)
            for uid in box.uids:
                letters = sorted(flag[1] for flag in box.message(uid).flags if flag != "\\Recent")
                shown = ("".join(letters), _untraced(box.content(uid)))
                found.setdefault(one.name, []).append(shown)
        return found


def _run(*command: str, fails: bool = False) -> None:
    environment = {**os.environ, "PATH": _PATH, "TZ": "UTC"}
    # A file and no pipe: what goes on as a daemon would hold it open.
    with tempfile.TemporaryFile("w+") as said:
        done = subprocess.run(command, env=environment, stdout=said, stderr=said, check=False)
        said.seek(0)
        assert fails or done.returncode == 0, (command, said.read())


def _normal(text: str) -> str:
    """Without what differs each time: sessions, processes, places."""
    text = re.sub(r"<[A-Za-z0-9+/]{22}>| [A-Za-z0-9+/]{22} ", " SESSION ", text)
    text = re.sub(r"/\S*/(etc|homes)/", r"/\1/", text)
    text = re.sub("/etc/dovecot/(sieve|global_script)/", "/etc/", text)
    return text.replace("/home/user/", "/homes/user/")


def _logged(line: str) -> str:
    return _normal(re.sub(r"^.*?>: ", "", line).removeprefix("Info: "))


def _arguments(line: str) -> str:
    """Sender and recipient of `sendmail -i -f sender -- recipient`."""
    words = line.split()
    sender = words[words.index("-f") + 1] if "-f" in words else ""
    return f"{sender.strip('<>')} {words[-1]}"


def _untraced(content: bytes) -> str:
    """A message without what each delivery adds or makes anew."""
    text = content.decode().replace("\r\n", "\n")
    text = re.sub(r"Received: (?:.*\n)(?:[ \t].*\n)*", "", text)
    text = re.sub(r"(?m)^(Message-ID|Date): (<dovecot.*|.*\d\d:\d\d:\d\d.*)$", r"\1: …", text)
    return re.sub(r"\d+/mail\.minfo\.sn", "BOUNDARY", text)


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    """A real Dovecot with Pigeonhole."""
    lacking = _lacking() or ("" if shutil.which("sievec", path=_PATH) else "no Pigeonhole is here")
    if lacking:
        if os.environ.get("MAILSIM_REQUIRE_ORACLES") == "1":
            pytest.fail(f"MAILSIM_REQUIRE_ORACLES=1, but {lacking}")
        pytest.skip(lacking)
    with ExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="mailsim-", dir="/tmp"))
        )
        yield Dovecot(folder, stack)


@pytest.mark.parametrize("case", CASES, ids=lambda one: one.name)
@pytest.mark.parametrize("what", ["replies", "log", "mailboxes", "sent"])
def test_the_same_comes_of_it(dovecot: Dovecot, case: Case, what: str) -> None:
    key = f"{case.name}"
    if key not in _SEEN:
        _SEEN[key] = (Ours().see(case), dovecot.see(case))
    ours, theirs = _SEEN[key]
    assert getattr(ours, what) == getattr(theirs, what)


_SEEN: dict[str, tuple[Seen, Seen]] = {}
