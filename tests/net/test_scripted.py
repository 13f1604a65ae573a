from __future__ import annotations

import pytest

from mailsim import ScriptedPeer, SmtpTracer
from mailsim.errors import ConnectionRefused


def test_it_says_what_its_script_has_and_250_otherwise() -> None:
    script = {"rcpt": "251 2.1.5 User not local", "HELP": "214-one\r\n214 two"}
    with ScriptedPeer(script) as peer, SmtpTracer(peer.address, server_name=peer.name) as smtp:
        assert smtp.greeting.code == 220
        assert smtp.ehlo("poste.minfo.sn").text == "peer.script"
        assert smtp.mail("user@minfo.sn").code == 250
        assert smtp.rcpt("user@minfo.sn").code == 251
        assert smtp.help().text == "one\ntwo"
        assert smtp.quit().code == 221


def test_a_421_ends_the_connection_and_the_next_one_is_served() -> None:
    with ScriptedPeer({"NOOP": "421 4.3.2 Closing"}) as peer:
        for _ in range(2):
            with SmtpTracer(peer.address) as smtp:
                assert smtp.send_raw("NOOP\r\n").code == 421


def test_a_line_of_no_letters_does_not_end_it() -> None:
    with ScriptedPeer({}) as peer, SmtpTracer(peer.address) as smtp:
        assert smtp.send_raw(b"\xff\x00\r\n").code == 250
        assert smtp.send_raw("\r\n", wait=True).code == 250


def test_it_listens_no_more_when_closed_though_a_client_is_there() -> None:
    peer = ScriptedPeer({})
    address = peer.address
    with SmtpTracer(address) as smtp:
        assert smtp.greeting.code == 220
    peer.close()
    with pytest.raises(ConnectionRefused):
        SmtpTracer(address)
