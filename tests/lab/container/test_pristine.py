"""The fingerprint sees each kind of damage; a reset ends pristine, by the shortest way there is."""

from __future__ import annotations

import imaplib
from collections.abc import Callable

import pytest

from mailsim import Lab
from mailsim.lab.container.running import running_here

pytestmark = [pytest.mark.container, pytest.mark.timeout(1800)]

Shell = Callable[[Lab, str], str]
Container = Callable[[Lab], str]

MESSAGE = "From: user@minfo.sn\nTo: {to}\nMessage-ID: <{id}>\nSubject: one\n\nHello.\n"
LISTEN = "import socket,time; s=socket.create_server(('127.0.0.1',9)); time.sleep(600)"
# What is done, and the parts of the fingerprint that it changes, and no other.
DAMAGES = {
    "a mode": ("chmod 600 /etc/postfix/main.cf", {"etc"}),
    "an owner": ("chown user /etc/aliases", {"etc"}),
    "a setting": ("echo '# changed' >> /etc/dovecot/dovecot.conf", {"etc"}),
    "a file too many": ("touch /etc/postfix/left", {"etc"}),
    "a file too few": ("rm /etc/postfix/recipients", {"etc"}),
    "a link": ("ln -sf /dev/null /etc/localtime", {"etc"}),
    "a program": ("touch /usr/local/bin/left", {"files"}),
    "a file in a mailbox": ("touch /home/user/left", {"mail"}),
    "a mailbox's mode": ("chmod 711 /home/cheikh", {"mail"}),
    "a peer's mailbox": ("touch /srv/peers/ugb.sn", {"mail"}),
    "a queue file": ("touch /var/spool/postfix/deferred/left", {"queues"}),
    "a peer's queue file": ("touch /var/spool/postfix-ugb/hold/left", {"queues"}),
    "a row": ("mysql webmail -e \"INSERT INTO system VALUES ('left', '1')\"", {"databases"}),
    "a rule": ("nft add table inet left", {"firewall"}),
    "a service": ("systemctl stop apache2", {"services", "listeners"}),
    "a listener": (f'setsid python3 -c "{LISTEN}" >/dev/null 2>&1 & sleep 1', {"listeners"}),
}


def test_each_kind_of_damage_changes_the_fingerprint_and_a_reset_undoes_it(
    fresh: Lab, shell: Shell
) -> None:
    pristine = before = fresh.fingerprint
    for name, (command, parts) in DAMAGES.items():
        shell(fresh, command)
        after = fresh.fingerprint
        assert {one for one in after if after[one] != before[one]} == {*parts, "total"}, name
        before = after
    assert fresh.reset() == pristine
    assert fresh.fingerprint == pristine


def test_what_reading_and_asking_do_is_no_damage(fresh: Lab, shell: Shell) -> None:
    pristine = fresh.fingerprint
    with fresh.smtp() as smtp:
        smtp.ehlo("poste.minfo.sn")
    fresh.scan()
    shell(fresh, "postqueue -p; doveadm who")
    assert fresh.fingerprint == pristine


def test_data_alone_is_put_back_in_the_same_container(
    fresh: Lab, shell: Shell, container: Container
) -> None:
    pristine, same = fresh.fingerprint, container(fresh)
    for to in ("user@minfo.sn", "secretaire@ugb.sn"):
        fresh.wait(fresh.deliver(MESSAGE.format(to=to, id=f"d-{to}")), timeout=60)
    shell(fresh, "mysql webmail -e \"INSERT INTO system VALUES ('left', '1')\"")
    shell(fresh, "install -o cheikh /dev/null /home/cheikh/.dovecot.sieve")
    shell(fresh, "nft list ruleset | grep -q . || true; touch /var/spool/postfix/hold/left")
    assert fresh.fingerprint != pristine
    assert fresh.reset() == pristine
    assert fresh.fingerprint == pristine
    assert container(fresh) == same, _reason(fresh)
    assert not fresh.mailboxes
    assert fresh.queue == ()
    assert not list(fresh.logs)
    assert "d-user" not in shell(fresh, "cat /var/log/mail.log")
    assert fresh.wait(fresh.deliver(MESSAGE.format(to="user@minfo.sn", id="again@x")), timeout=60)


def test_a_session_does_not_live_on(fresh: Lab, container: Container) -> None:
    same = container(fresh)
    about = fresh.endpoints["imap"]
    client = imaplib.IMAP4("127.0.0.1", about.reached_port)
    assert fresh.reset()
    with pytest.raises((imaplib.IMAP4.abort, OSError)):
        client.noop()
    client.shutdown()
    assert container(fresh) == same, _reason(fresh)


def test_a_destination_that_was_dead_is_tried_at_once(
    fresh: Lab, shell: Shell, container: Container, peer_unit: Container
) -> None:
    same = container(fresh)
    shell(fresh, f"systemctl stop {peer_unit(fresh)}")
    fresh.wait(fresh.deliver(MESSAGE.format(to="secretaire@ugb.sn", id="dead@x")), timeout=60)
    assert len(fresh.queue) == 1
    shell(fresh, f"systemctl start {peer_unit(fresh)}")
    fresh.reset()
    assert container(fresh) == same, _reason(fresh)
    fresh.wait(fresh.deliver(MESSAGE.format(to="secretaire@ugb.sn", id="alive@x")), timeout=60)
    assert [one.message_id for one in fresh.mailboxes["secretaire@ugb.sn"]["INBOX"]] == ["alive@x"]


def test_a_stage_without_mail_is_reset_too(fresh: Lab, shell: Shell, container: Container) -> None:
    pristine = fresh.reset(stage="dns")
    same = container(fresh)
    shell(fresh, "touch /home/user/left")
    assert fresh.fingerprint != pristine
    assert fresh.reset() == pristine
    assert container(fresh) == same, _reason(fresh)


def _reason(lab: Lab) -> str:
    """Why the last reset took a new container."""
    running = running_here(lab.name)
    return "" if running is None else running.site.state.reason


@pytest.mark.parametrize(
    "command", ["touch /etc/left", "touch /var/spool/postfix/incoming/left"], ids=["etc", "moving"]
)
def test_all_else_takes_a_new_container(
    fresh: Lab, shell: Shell, container: Container, command: str
) -> None:
    pristine, before = fresh.fingerprint, container(fresh)
    shell(fresh, command)
    assert fresh.reset() == pristine
    assert container(fresh) != before
