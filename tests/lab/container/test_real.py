"""The real system behind the same Lab: who a client is, mail, the queue, stages, the end."""

from __future__ import annotations

import json
import smtplib
import subprocess
import sys
from pathlib import Path

import pytest

from mailsim import Lab
from mailsim.errors import ConnectionRefused, LabError
from mailsim.lab.container.running import own_name, remove_leftovers
from mailsim.model.endpoint import PortState

pytestmark = [pytest.mark.container, pytest.mark.timeout(1800)]

MESSAGE = "From: user@minfo.sn\nTo: {to}\nMessage-ID: <{id}>\nSubject: one\n\nHello.\n"


def _state(lab: Lab) -> dict[str, PortState]:
    return {name: one.state for name, one in lab.endpoints.items()}


def test_a_plain_connection_comes_from_the_workstation(fresh: Lab) -> None:
    port = fresh.endpoints["smtp"].reached_port
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.sendmail(
            "secretaire@ugb.sn", ["user@minfo.sn"], MESSAGE.format(to="user@minfo.sn", id="p@x")
        )
    fresh.wait("p@x", timeout=60)
    assert any("client=poste.minfo.sn[192.168.10.50]" in str(one) for one in fresh.logs)


def test_the_spammer_is_himself(fresh: Lab) -> None:
    with fresh.smtp(as_host="spammeur.pub.sn") as smtp:
        smtp.ehlo("spammeur.pub.sn")
        smtp.mail("x@pub.sn")
        refused = smtp.rcpt("user@minfo.sn")
    assert refused.code == 554
    assert "dnsbl.minfo.sn" in refused.text


def test_mail_arrives_at_home_and_abroad(fresh: Lab) -> None:
    for to in ("user@minfo.sn", "secretaire@ugb.sn"):
        made = fresh.deliver(MESSAGE.format(to=to, id=f"{to}x"), recipients=to)
        assert fresh.wait(made, timeout=60)
    assert [one.message_id for one in fresh.mailboxes["user"]["INBOX"]] == ["user@minfo.snx"]
    assert len(fresh.mailboxes["secretaire@ugb.sn"]["INBOX"]) == 1
    assert fresh.queue == ()


def test_what_cannot_go_waits_and_is_held_released_and_deleted(fresh: Lab) -> None:
    _inside(fresh, "systemctl", "stop", "postfix@postfix-ugb")
    made = fresh.deliver(MESSAGE.format(to="secretaire@ugb.sn", id="w@x"))
    fresh.wait(made, timeout=60)
    (waiting,) = fresh.queue
    assert "Connection refused" in waiting.recipients[0].reason
    fresh.hold(waiting.queue_id)
    assert fresh.queue[0].queue.value == "hold"
    fresh.release_held(waiting.queue_id)
    fresh.delete(fresh.queue[0].queue_id)
    assert fresh.queue == ()
    with pytest.raises(LabError, match="No message"):
        fresh.delete("ALL")


def test_the_seeds_passwords_let_in_and_no_other(fresh: Lab) -> None:
    with fresh.imap("imaps") as imap:
        assert not imap.login("cheikh", "wrong").ok
        assert imap.login("cheikh", fresh.accounts.password("cheikh")).ok


def test_a_reset_is_whole_and_each_damage_is_seen(fresh: Lab) -> None:
    pristine = fresh.fingerprint
    for part, command in {
        "etc": "chmod 600 /etc/postfix/main.cf",
        "mail": "touch /home/user/left",
        "listeners": "systemctl stop dovecot",
    }.items():
        _inside(fresh, "sh", "-c", command)
        changed = fresh.fingerprint
        assert changed[part] != pristine[part], part
    assert fresh.reset() == pristine


def test_another_stage_is_another_image(fresh: Lab) -> None:
    assert _state(fresh)["imaps"] is PortState.OPEN
    fresh.reset(stage="mail")
    assert _state(fresh)["imaps"] is PortState.CLOSED
    with pytest.raises(ConnectionRefused):
        fresh.imap("imaps")
    with fresh.smtp() as smtp:
        assert "STARTTLS" not in smtp.ehlo("poste.minfo.sn").text


def test_what_the_real_system_cannot_is_refused(fresh: Lab) -> None:
    with pytest.raises(LabError, match="embedded lab alone"):
        fresh.advance(60)
    with pytest.raises(LabError, match="embedded lab alone"):
        fresh.disturb({"name": "a", "protocol": "smtp", "command": "RCPT", "action": "cut"})


def test_two_labs_do_not_clash_and_nothing_is_left(fresh: Lab) -> None:
    with Lab(
        backend="container", release=fresh.release, stage="tls", seed=2, name="other"
    ) as other:
        other.deliver(MESSAGE.format(to="user@minfo.sn", id="o@x"))
        other.wait("o@x", timeout=60)
        assert "user" not in fresh.mailboxes
    assert not Path("/run/netns", own_name("other")).exists()
    assert not remove_leftovers("other")


def test_what_a_killed_lab_leaves_is_taken_away(fresh: Lab) -> None:
    words = ["up", "--backend", "container", "--release", fresh.release.value, "--stage", "tls"]
    command = [sys.executable, "-m", "mailsim", *words, "--name", "killed", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["stage"] == "tls"
        process.kill()
    assert Path("/run/netns", own_name("killed")).exists()
    down = [sys.executable, "-m", "mailsim", "down", "--name", "killed"]
    assert subprocess.run(down, check=False).returncode == 0
    assert not Path("/run/netns", own_name("killed")).exists()


def _inside(lab: Lab, *command: str) -> None:
    """As `mailsim shell` would."""
    shell: list[str] = lab._about.document["shell"]
    words = [one for one in shell[:-1] if one != "--tty"]
    subprocess.run([*words, *command], check=True, stdin=subprocess.DEVNULL)
