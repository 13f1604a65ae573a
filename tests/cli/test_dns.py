from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import dns.message
import dns.rrset
import pytest

from mailsim.cli import dns as command
from mailsim.cli.main import main

RECORDS = {
    ("minfo.sn.", "MX"): "10 mail.minfo.sn.",
    ("mail.minfo.sn.", "A"): "192.168.10.1",
    ("1.10.168.192.in-addr.arpa.", "PTR"): "mail.minfo.sn.",
}


@pytest.fixture
def server() -> Iterator[str]:
    """A name server that knows RECORDS, by UDP."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))

        def serve() -> None:
            while True:
                wire, client = bound.recvfrom(4096)
                if not wire:
                    return
                query = dns.message.from_wire(wire)
                response = dns.message.make_response(query)
                asked = query.question[0]
                kind = dns.rdatatype.to_text(asked.rdtype)
                if data := RECORDS.get((asked.name.to_text(), kind)):
                    response.answer.append(dns.rrset.from_text(asked.name, 300, "IN", kind, data))
                else:
                    response.set_rcode(dns.rcode.NXDOMAIN)
                bound.sendto(response.to_wire(), client)

        thread = threading.Thread(target=serve)
        thread.start()
        host, port = bound.getsockname()
        yield f"{host}:{port}"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", (host, port))
        thread.join()


def test_a_name_and_a_type(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "dns", "minfo.sn", "mx", "--to", server]) == 0
    out = capsys.readouterr().out
    assert "minfo.sn.               300     IN      MX      10 mail.minfo.sn." in out
    assert "RFC" not in out


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["mail.minfo.sn"], "192.168.10.1"),
        (["192.168.10.1"], "mail.minfo.sn."),
        (["192.168.10.1", "ptr"], "mail.minfo.sn."),
    ],
)
def test_without_a_type_as_nslookup(
    server: str, capsys: pytest.CaptureFixture[str], words: list[str], found: str
) -> None:
    assert main(["trace", "dns", *words, "--to", server, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [one["data"] for one in document["responses"][0]["answer"]] == [found]


@pytest.mark.parametrize(("lang", "said"), [("en", "Answered in"), ("fr", "Réponse en")])
def test_explained(server: str, capsys: pytest.CaptureFixture[str], lang: str, said: str) -> None:
    words = ["trace", "dns", "minfo.sn", "MX", "--to", server, "--explain", "--lang", lang]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert said in out
    assert "RFC 1035 §4.1.1" in out


def test_no_such_name_is_a_result(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "dns", "kelkpart.com", "--to", server]) == 0
    assert "status: NXDOMAIN" in capsys.readouterr().out


def test_flags(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["trace", "dns", "minfo.sn", "--to", server, "--no-recursion", "--dnssec", "--json"]
    assert main(words) == 0
    query = json.loads(capsys.readouterr().out)["query"]
    assert query["flags"] == []
    assert query["edns"]["dnssec"] is True


@pytest.mark.parametrize(
    ("words", "accepted"),
    [
        (["minfo.sn", "KELKUN", "--to", "127.0.0.1:1"], "TYPEnnn"),
        (["minfo..sn", "A", "--to", "127.0.0.1:1"], "1 to 63 octets"),
        (["minfo.sn", "A", "--to", "a b"], "HOST:PORT"),
        (["minfo.sn", "A", "--to", "127.0.0.1:1", "--timeout", "0"], "above 0"),
        (["minfo.sn", "A", "--to", "127.0.0.1:1", "--lang", "de"], "fr"),
    ],
)
def test_wrong_use_is_one_line_and_2(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    accepted: str,
) -> None:
    monkeypatch.setenv("MAILSIM_LANG", "en")
    assert main(["trace", "dns", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert accepted in err


def test_a_dead_server_is_one_line_and_1(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    assert main(["trace", "dns", "minfo.sn", "--to", f"127.0.0.1:{port}"]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_without_a_server_the_systems_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = tmp_path / "resolv.conf"
    asked.write_text("# nameserver 192.0.2.1\nsearch minfo.sn\nnameserver 127.0.0.7\n")
    monkeypatch.setattr(command, "_RESOLV_CONF", asked)
    assert main(["trace", "dns", "minfo.sn", "KELKUN", "--lang", "en"]) == 2
    assert "127.0.0.7" in capsys.readouterr().err


def test_without_any_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "_RESOLV_CONF", tmp_path / "none")
    assert main(["trace", "dns", "minfo.sn"]) == 2
    assert "--to" in capsys.readouterr().err
