"""Pigeonhole's own tools, on scripts and messages in a folder of their own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

_CONFIG = """\
log_path = /dev/stderr
mail_location = maildir:{folder}/home/mail:LAYOUT=fs
mail_uid = nobody
mail_gid = nogroup
first_valid_uid = 0
first_valid_gid = 0
mail_home = {folder}/home
postmaster_address = postmaster@minfo.sn
plugin {{
  sieve = file:{folder}/personal
  sieve_global = {folder}/global
  sieve_extensions = +editheader +vacation-seconds +spamtest +spamtestplus +virustest +vnd.dovecot.debug
  sieve_spamtest_status_type = score
  sieve_spamtest_status_header = X-Spam-Score: ([[:digit:].]+)
  sieve_spamtest_max_value = 10
  sieve_virustest_status_type = text
  sieve_virustest_status_header = X-Virus: Found to be (.+)\\.
  sieve_virustest_text_value1 = clean
  sieve_virustest_text_value5 = infected
}}
"""
_COMPLAINT = re.compile(r"(?:script: )?(?:line \d+: )?(?:error|warning): ")
_ITEM = re.compile(r"^ \* (.*)$")
_EFFECT = re.compile(r"^ {8}\+ (.*)$")
_DETAIL = re.compile(r"^ {4}=> (\w+) *: (.*)$")


@dataclass(frozen=True)
class Verdict:
    """What sieve-test said: the complaints of the compiler or the run, and the actions."""

    complaints: list[str]
    actions: list[str]
    said: str


def lacking() -> str:
    """Why sieve-test cannot be run here, or ""."""
    if getattr(os, "geteuid", lambda: -1)() != 0:
        return "only root may run sieve-test as another user"
    return "" if shutil.which("sieve-test") else "sieve-test is not installed"


class Pigeonhole:
    """`test` runs sieve-test; scripts in `personal` and `global` may be included."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.chmod(0o755)
        for name in ("home", "personal", "global"):
            (folder / name).mkdir()
            shutil.chown(folder / name, "nobody", "nogroup")
        self.config = folder / "dovecot.conf"
        self.config.write_text(_CONFIG.format(folder=folder))

    def _run(
        self, script: bytes, message: bytes, *arguments: str
    ) -> subprocess.CompletedProcess[bytes]:
        source, mail = self.folder / "script.sieve", self.folder / "message.eml"
        source.write_bytes(script)
        mail.write_bytes(message)
        return subprocess.run(
            ["sieve-test", "-C", "-c", str(self.config), *arguments, str(source), str(mail)],
            capture_output=True,
            env={**os.environ, "TZ": "UTC"},
            check=False,
        )

    def sent(self, script: bytes, message: bytes, sender: str, recipient: str) -> bytes:
        """Run and do it: the message that sieve-test would have sent, lines with CRLF."""
        done = self._run(script, message, "-e", "-f", sender, "-r", recipient)
        return done.stdout.partition(b"\nRECIPIENT: ")[0]

    def test(self, script: bytes, message: bytes, sender: str, recipient: str) -> Verdict:
        """Compile and run, doing nothing."""
        done = self._run(script, message, "-f", sender, "-r", recipient)
        said = done.stderr.decode("utf-8", "replace")
        complaints = [line for line in said.splitlines() if _COMPLAINT.match(line)]
        return Verdict(complaints, _actions(done.stdout.decode("utf-8", "replace")), said)


def _actions(printed: str) -> list[str]:
    """The actions that sieve-test printed, as `described` words them."""
    found: list[_Printed] = []
    implicit = ""
    for line in printed.splitlines():
        if line == "Implicit keep:":
            implicit = "implicit "
        elif (match := _ITEM.match(line)) and not match[1].startswith("track duplicate"):
            found.append(_Printed(implicit + _named(match[1])))
        elif match := _EFFECT.match(line):
            found[-1].effects.append(match[1])
        elif match := _DETAIL.match(line):
            found[-1].details[match[1]] = match[2]
    if any(one.name == "keep" for one in found):
        # It is printed, and not done: "No implicit keep needed (equivalent action already executed)".
        found = [one for one in found if not one.name.startswith("implicit ")]
    return [one.described() for one in found]


@dataclass
class _Printed:
    """An action as sieve-test printed it."""

    name: str
    effects: list[str] = field(default_factory=list)
    details: dict[str, str] = field(default_factory=dict)

    def described(self) -> str:
        details = self.details
        if self.name == "vacation":
            subject = f" :subject {details['subject']}" if "subject" in details else ""
            return f"vacation {details['seconds']} {details['handle']}{subject}"
        text = self.name
        text += " :copy" * ("preserve implicit keep" in self.effects)
        text += " :create" * any(one.startswith("create mailbox") for one in self.effects)
        for one in self.effects:
            if one.startswith("add IMAP flags: "):
                flags = one.removeprefix("add IMAP flags: ").lower().split()
                text += "".join(f" {flag}" for flag in sorted(flags))
        return text


def _named(item: str) -> str:
    if item == "store message in folder: INBOX":
        return "keep"
    if item.startswith("redirect message to: <"):
        return "redirect " + item.removeprefix("redirect message to: <").removesuffix(">")
    if item == "send vacation message:":
        return "vacation"
    for said, word in (
        ("store message in folder: ", "fileinto "),
        ("reject message with reason: ", "reject "),
    ):
        if item.startswith(said):
            return word + item.removeprefix(said)
    return item
