"""The real system behind the same Lab: who a client is, mail, the queue, stages, the end."""

from __future__ import annotations

import json
import smtplib
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
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


def test_names_are_asked_for_by_datagram_too(fresh: Lab) -> None:
    with fresh.dns() as dns:
        answer = dns.query("minfo.sn", "MX")
        assert "mail.minfo.sn" in str(answer)


def test_mail_arrives_at_home_and_abroad(fresh: Lab) -> None:
    for to in ("user@minfo.sn", "secretaire@ugb.sn"):
        made = fresh.deliver(MESSAGE.format(to=to, id=f"{to}x"), recipients=to)
        assert fresh.wait(made, timeout=60)
    assert [one.message_id for one in fresh.mailboxes["user"]["INBOX"]] == ["user@minfo.snx"]
    assert len(fresh.mailboxes["secretaire@ugb.sn"]["INBOX"]) == 1
    assert fresh.queue == ()


def test_what_cannot_go_waits_and_is_held_released_and_deleted(
    fresh: Lab, shell: Callable[[Lab, str], str], peer_unit: Callable[[Lab], str]
) -> None:
    shell(fresh, f"systemctl stop {peer_unit(fresh)}")
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


def test_two_labs_do_not_clash(fresh: Lab) -> None:
    name = f"{fresh.name}-other"
    with Lab(backend="container", release=fresh.release, stage="tls", seed=2, name=name) as other:
        other.deliver(MESSAGE.format(to="user@minfo.sn", id="o@x"))
        other.wait("o@x", timeout=60)
        assert "user" not in fresh.mailboxes
        assert other.accounts.password("cheikh") != fresh.accounts.password("cheikh")


def test_down_leaves_no_process_mount_namespace_or_rule(fresh: Lab) -> None:
    links, rules = _cards(), _said("nft", "--stateless", "list", "ruleset")
    with _up(fresh, f"{fresh.name}-down") as process:
        name = own_name(f"{fresh.name}-down")
        engine = fresh._about.document["shell"][0]
        merged = _said(engine, "inspect", "--format", "{{.GraphDriver.Data.MergedDir}}", name)
        spaces = {_network(int(_said(engine, "inspect", "--format", "{{.State.Pid}}", name)))}
        spaces.add(str(Path("/run/netns", name).stat().st_ino))
        assert merged.strip() in _said("cat", "/proc/mounts")
        assert name in _said("cat", "/proc/mounts")
        assert spaces & _networks()
        down = [sys.executable, "-m", "mailsim", "down", "--name", f"{fresh.name}-down"]
        assert subprocess.run(down, check=False).returncode == 0
        assert process.wait(60) == 0
    mounts = _said("cat", "/proc/mounts")
    assert merged.strip() not in mounts
    assert name not in mounts
    assert not spaces & _networks()
    assert name not in _said("ps", "-e", "-o", "args")
    assert name not in _said("ip", "netns", "list")
    assert name not in _said(engine, "ps", "--all", "--format", "{{.Names}}")
    assert _cards() == links
    assert _said("nft", "--stateless", "list", "ruleset") == rules


def test_what_a_killed_lab_leaves_is_taken_away(fresh: Lab) -> None:
    lab = f"{fresh.name}-killed"
    with _up(fresh, lab) as process:
        process.kill()
    assert Path("/run/netns", own_name(lab)).exists()
    down = [sys.executable, "-m", "mailsim", "down", "--name", lab]
    assert subprocess.run(down, check=False).returncode == 0
    assert not Path("/run/netns", own_name(lab)).exists()
    assert own_name(lab) not in _said("ps", "-e", "-o", "args")
    assert not remove_leftovers(lab)


@contextmanager
def _up(lab: Lab, name: str) -> Iterator[subprocess.Popen[bytes]]:
    """`mailsim up` in a process of its own, once all answers."""
    words = ["up", "--backend", "container", "--release", lab.release.value, "--stage", "tls"]
    command = [sys.executable, "-m", "mailsim", *words, "--name", name, "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["stage"] == "tls"
        yield process


def _said(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.decode()


def _cards() -> list[str]:
    return sorted(one.name for one in Path("/sys/class/net").iterdir())


def _network(pid: int) -> str:
    return Path(f"/proc/{pid}/ns/net").readlink().name.removeprefix("net:[").removesuffix("]")


def _networks() -> set[str]:
    """The network namespaces in which some process is."""
    found = set()
    for one in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            found.add(_network(int(one.name)))
    return found
