from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rrset
import dns.zone
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsim.dialogue import Dialogue, Side
from mailsim.dialogue.json import read_json, write_json
from mailsim.errors import (
    ConnectionLost,
    ConnectionRefused,
    ConnectionTimeout,
    MailsimError,
    NameNotFound,
    RemoteProtocolError,
    UsageError,
)
from mailsim.net import Timeouts
from mailsim.tracers.dns import DnsTracer, Record, Transport
from mailsim.tracers.dns.message import read, value
from mailsim.wire.outcome import Outcome

# The thesis's zone as it prints it: an MX without its final dot (F1).
PRINTED = """
$TTL 604800
@ IN SOA mail.minfo.sn. root.mail.minfo.sn. 2 604800 86400 2419200 604800
minfo.sn. IN NS mail.minfo.sn.
mail IN A 192.168.10.1
www IN CNAME mail
minfo.sn IN MX 10 mail.minfo.sn.
"""
# The same, its MX with the final dot that it lacked (F1); a host whose answer is long.
MINFO = """
$TTL 604800
@ IN SOA mail.minfo.sn. root.mail.minfo.sn. 2 604800 86400 2419200 604800
@ IN NS mail
@ IN MX 10 mail
mail IN A 192.168.10.1
mail IN AAAA 2001:db8::1
www IN CNAME mail
evil IN TXT "<script>alert(1)</script> \\027[2J"
""" + "\n".join(f'long IN TXT "{n:03} {"x" * 200}"' for n in range(20))
REVERSE = """
$TTL 604800
@ IN SOA mail.minfo.sn. root.mail.minfo.sn. 2 604800 86400 2419200 604800
@ IN NS mail.minfo.sn.
1 IN PTR mail.minfo.sn.
"""
DNSBL = """
$TTL 300
@ IN SOA mail.minfo.sn. root.mail.minfo.sn. 1 3600 600 86400 300
@ IN NS mail.minfo.sn.
2.0.0.127 IN A 127.0.0.2
66.66.168.192 IN A 127.0.0.2
66.66.168.192 IN TXT "spammeur.pub.sn sends spam"
"""
ZONES = [
    dns.zone.from_text(text, origin=origin, relativize=False)
    for text, origin in (
        (DNSBL, "dnsbl.minfo.sn."),
        (MINFO, "minfo.sn."),
        (REVERSE, "10.168.192.in-addr.arpa."),
    )
]

Answers = Callable[[bytes], list[bytes]]
"""What a server says to a query: datagrams by UDP; pieces of the stream by TCP."""


def answer(wire: bytes, zones: Sequence[dns.zone.Zone] = ZONES) -> dns.message.Message:
    query = dns.message.from_wire(wire)
    response = dns.message.make_response(query)
    asked = query.question[0]
    zone = next((z for z in zones if z.origin and asked.name.is_subdomain(z.origin)), None)
    if zone is None:
        response.set_rcode(dns.rcode.REFUSED)
        return response
    response.flags |= dns.flags.AA
    node = zone.get_node(asked.name)
    for rdataset in node or ():
        if asked.rdtype in (dns.rdatatype.ANY, rdataset.rdtype):
            response.answer.append(dns.rrset.from_rdata_list(asked.name, rdataset.ttl, rdataset))
    if not response.answer:
        assert zone.origin
        soa = zone.get_rrset(zone.origin, "SOA")
        assert soa is not None
        response.authority.append(soa)
        response.set_rcode(dns.rcode.NOERROR if node else dns.rcode.NXDOMAIN)
    return response


def by_udp(wire: bytes) -> list[bytes]:
    """Truncated where the answer is longer than the client takes."""
    response = answer(wire)
    whole = response.to_wire(max_size=65_535)
    if len(whole) <= max(512, dns.message.from_wire(wire).payload):
        return [whole]
    response.answer.clear()
    response.flags |= dns.flags.TC
    return [response.to_wire()]


def by_tcp(wire: bytes) -> list[bytes]:
    whole = answer(wire).to_wire(max_size=65_535)
    framed = len(whole).to_bytes(2, "big") + whole
    return [framed[:1], framed[1:40], framed[40:]]


def silent(_: bytes) -> list[bytes]:
    return []


class Server:
    """A name server on one UDP and TCP port of the loopback; it notes what it is asked."""

    def __init__(self, udp: Answers, tcp: Answers, family: socket.AddressFamily) -> None:
        self._answers = udp, tcp
        self.asked: list[bytes] = []
        host = "::1" if family is socket.AF_INET6 else "127.0.0.1"
        self.tcp = socket.socket(family, socket.SOCK_STREAM)
        self.udp = socket.socket(family, socket.SOCK_DGRAM)
        self._bind(host)
        self.tcp.listen()
        port = self.udp.getsockname()[1]
        self.where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._threads = [threading.Thread(target=one) for one in (self._serve_udp, self._serve_tcp)]

    def _bind(self, host: str) -> None:
        self.tcp.bind((host, 0))
        self.udp.bind((host, self.tcp.getsockname()[1]))

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        with socket.socket(self.udp.family, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self.udp.getsockname())
        with socket.create_connection(self.tcp.getsockname()[:2]):
            pass
        for thread in self._threads:
            thread.join()
        self.udp.close()
        self.tcp.close()

    def _serve_udp(self) -> None:
        while True:
            wire, client = self.udp.recvfrom(65_535)
            if not wire:
                return
            self.asked.append(wire)
            for datagram in self._answers[0](wire):
                self.udp.sendto(datagram, client)

    def _serve_tcp(self) -> None:
        while True:
            connection, _ = self.tcp.accept()
            with connection:
                wire = connection.recv(65_535)
                if not wire:
                    return
                self.asked.append(wire)
                try:
                    for piece in self._answers[1](wire[2:]):
                        connection.sendall(piece)
                except OSError:
                    continue  # a client that has had enough


@contextmanager
def server(
    udp: Answers = by_udp, tcp: Answers = by_tcp, family: socket.AddressFamily = socket.AF_INET
) -> Iterator[Server]:
    running = Server(udp, tcp, family)
    running.start()
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="module")
def where() -> Iterator[str]:
    with server() as running:
        yield running.where


@pytest.fixture
def tracer(where: str) -> DnsTracer:
    return DnsTracer(where, server_name="mail.minfo.sn")


QUICK = Timeouts(connect=5.0, silence=0.05, exchange=0.2)


def failing(udp: Answers, tcp: Answers = by_tcp, *, over_tcp: bool = False) -> MailsimError:
    with server(udp, tcp) as running:
        tracer = DnsTracer(running.where, timeouts=QUICK, tries=1)
        with pytest.raises(MailsimError) as caught:
            tracer.query("minfo.sn", "MX", tcp=over_tcp)
    assert isinstance(caught.value.dialogue, Dialogue)
    assert caught.value.dialogue.exchanges[0].sent
    assert str(caught.value)
    return caught.value


# --- What is asked and answered --------------------------------------------------------------


def test_dem1_any_name_and_reverse(tracer: DnsTracer) -> None:
    everything = tracer.query("minfo.sn", "any")
    assert {record.type for record in everything.answer} == {"SOA", "NS", "MX"}
    assert tracer.query("mail.minfo.sn").texts == ("192.168.10.1",)
    assert tracer.reverse("192.168.10.1").texts == ("mail.minfo.sn.",)


def test_dem1_as_printed_shows_no_mx() -> None:
    zone = dns.zone.from_text(PRINTED, origin="minfo.sn.", relativize=False)
    with server(lambda wire: [answer(wire, [zone]).to_wire()]) as running:
        tracer = DnsTracer(running.where)
        everything = tracer.query("minfo.sn", "any")
        assert {record.type for record in everything.answer} == {"SOA", "NS"}
        assert tracer.mx("minfo.sn").texts == ()
        assert tracer.mx("minfo.sn.minfo.sn").texts == ("10 mail.minfo.sn.",)


def test_the_mail_exchanger(tracer: DnsTracer) -> None:
    step = tracer.mx("minfo.sn")
    assert step.texts == ("10 mail.minfo.sn.",)
    assert step.answer == (Record("minfo.sn.", 604800, "IN", "MX", "10 mail.minfo.sn."),)
    assert step.flags == ("QR", "AA", "RD")
    assert step.ok


def test_a_block_list_answers_about_the_reversed_address(tracer: DnsTracer) -> None:
    listed = tracer.dnsbl("192.168.66.66", "dnsbl.minfo.sn")
    assert listed.sent.questions[0].name == "66.66.168.192.dnsbl.minfo.sn."
    assert listed.texts == ("127.0.0.2",)
    reason = tracer.dnsbl("192.168.66.66", "dnsbl.minfo.sn", "TXT")
    assert reason.texts == ('"spammeur.pub.sn sends spam"',)
    assert tracer.dnsbl("192.168.10.1", "dnsbl.minfo.sn").rcode == "NXDOMAIN"


def test_an_ipv6_address_is_reversed_by_half_octets(tracer: DnsTracer) -> None:
    step = tracer.dnsbl("2001:db8::1", "dnsbl.minfo.sn")
    assert step.sent.questions[0].name == f"{'1' + '.0' * 23}.8.b.d.0.1.0.0.2.dnsbl.minfo.sn."
    assert tracer.reverse("2001:db8::1").rcode == "REFUSED"


@pytest.mark.parametrize(
    ("name", "rcode", "outcome"),
    [
        ("kelkpart.minfo.sn", "NXDOMAIN", Outcome.PERMANENT),
        ("kelkpart.com", "REFUSED", Outcome.PERMANENT),
        ("mail.minfo.sn", "NOERROR", Outcome.SUCCESS),
    ],
)
def test_a_refusal_is_a_result(tracer: DnsTracer, name: str, rcode: str, outcome: Outcome) -> None:
    step = tracer.query(name, "MX")
    assert (step.rcode, step.outcome, step.texts) == (rcode, outcome, ())


def test_servfail_may_pass() -> None:
    def broken(wire: bytes) -> list[bytes]:
        response = dns.message.make_response(dns.message.from_wire(wire))
        response.set_rcode(dns.rcode.SERVFAIL)
        return [response.to_wire()]

    with server(broken) as running:
        assert DnsTracer(running.where).query("minfo.sn").outcome is Outcome.TEMPORARY


def test_a_truncated_answer_is_asked_again_by_tcp(tracer: DnsTracer) -> None:
    step = tracer.query("long.minfo.sn", "TXT")
    first, second = step.values
    assert (first.transport, "TC" in first.flags, first.answer) == (Transport.UDP, True, ())
    assert (second.transport, len(second.answer)) == (Transport.TCP, 20)
    exchanges = tracer.dialogue.exchanges
    assert [len(exchange.lines) for exchange in exchanges] == [2, 2]
    assert [note.id for note in exchanges[1].notes] == ["dns.over-tcp"]
    assert "Truncated, retrying in TCP mode" in str(step)


def test_tcp_from_the_start(tracer: DnsTracer) -> None:
    step = tracer.query("minfo.sn", "MX", tcp=True)
    assert [message.transport for message in step.values] == [Transport.TCP]
    sent = step.exchange.sent[0].raw
    assert int.from_bytes(sent[:2], "big") == len(sent) - 2


def test_flags_and_edns_go_out_as_asked() -> None:
    with server() as running:
        tracer = DnsTracer(running.where, new_id=lambda: 0x1234)
        tracer.query("minfo.sn", recursion=False, payload=0)
        tracer.query("minfo.sn", dnssec=True, payload=4096)
        asked = [dns.message.from_wire(wire) for wire in running.asked]
    assert [query.id for query in asked] == [0x1234, 0x1234]
    assert [bool(query.flags & dns.flags.RD) for query in asked] == [False, True]
    assert [query.edns for query in asked] == [-1, 0]
    assert bool(asked[1].ednsflags & dns.flags.DO)
    assert asked[1].payload == 4096


def test_ids_differ() -> None:
    with server() as running:
        tracer = DnsTracer(running.where)
        ids = {tracer.query("minfo.sn").response.id for _ in range(8)}
    assert len(ids) > 1


def test_a_server_by_its_ipv6_address() -> None:
    try:
        running = Server(by_udp, by_tcp, socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 here")
    running.start()
    try:
        tracer = DnsTracer(running.where)
        assert tracer.query("long.minfo.sn", "TXT").response.transport is Transport.TCP
    finally:
        running.stop()


def test_a_lost_question_goes_out_again() -> None:
    heard: list[bytes] = []

    def deaf_at_first(wire: bytes) -> list[bytes]:
        heard.append(wire)
        return by_udp(wire) if len(heard) > 1 else []

    with server(deaf_at_first) as running:
        step = DnsTracer(running.where, timeouts=Timeouts(silence=0.2)).query("minfo.sn", "MX")
    assert step.texts == ("10 mail.minfo.sn.",)
    assert len(step.exchange.sent) >= 2


# --- How it shows itself ---------------------------------------------------------------------


def test_the_transcript_is_digs_and_repeats(tracer: DnsTracer) -> None:
    first, second = tracer.mx("minfo.sn"), tracer.mx("minfo.sn")
    assert first.response.id != second.response.id or first is not second
    assert str(first) == str(second)
    assert str(first).splitlines() == [
        f";; ASKED {tracer.endpoint} (UDP): opcode: QUERY, flags: rd",
        "; EDNS: version: 0, flags:; udp: 1232",
        ";; QUESTION SECTION:",
        ";minfo.sn.                               IN      MX",
        "",
        ";; ->>HEADER<<- opcode: QUERY, status: NOERROR",
        ";; flags: qr aa rd; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 0",
        "; EDNS: version: 0, flags:; udp: 8192",
        "",
        ";; ANSWER SECTION:",
        "minfo.sn.               604800  IN      MX      10 mail.minfo.sn.",
        "",
        f";; MSG SIZE  rcvd: {first.response.size} (UDP)",
    ]


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("en", ("QR: ", "AA: ", "MX: ", "NOERROR: ", "RFC 1035 §4.1.1", "has 1 record(s) for MX")),
        ("fr", ("QR: ", "AA: ", "MX: ", "NOERROR: ", "a 1 enregistrement(s) pour MX")),
    ],
)
def test_every_part_is_explained(tracer: DnsTracer, lang: str, said: tuple[str, ...]) -> None:
    explained = tracer.mx("minfo.sn").explain(lang)
    for one in said:
        assert one in explained


@pytest.mark.parametrize(
    ("name", "type_", "said"),
    [
        ("mail.minfo.sn", "MX", "as if it were an MX of preference 0"),
        ("mail.minfo.sn", "TXT", "NODATA"),
        ("www.minfo.sn", "CNAME", "has 1 record(s)"),
        ("x.minfo.sn", "A", "does not exist (NXDOMAIN)"),
        ("kelkpart.com", "A", "REFUSED"),
        ("2.0.0.127.dnsbl.minfo.sn", "A", "127.0.0.2: Listed"),
    ],
)
def test_what_came_of_it_in_one_sentence(
    tracer: DnsTracer, name: str, type_: str, said: str
) -> None:
    assert said in tracer.query(name, type_).explain("en")


def test_what_a_server_says_is_escaped(tracer: DnsTracer) -> None:
    step = tracer.query("evil.minfo.sn", "TXT")
    bundle = step._repr_mimebundle_()
    assert "<script>" in bundle["text/plain"]
    assert "\x1b" not in bundle["text/plain"]
    assert "<script>" not in bundle["text/html"]
    assert "&lt;script&gt;" in bundle["text/html"]
    assert bundle["text/plain"] == str(step)


def test_the_document(tracer: DnsTracer) -> None:
    step = tracer.mx("minfo.sn")
    document = step.document()
    assert document["mailsim-dns"] == 1
    assert document["query"]["flags"] == ["RD"]
    (response,) = document["responses"]
    assert response["rcode"] == "NOERROR"
    assert response["question"] == [{"name": "minfo.sn.", "type": "MX", "class": "IN"}]
    assert response["answer"][0]["data"] == "10 mail.minfo.sn."
    assert response["id"] == document["query"]["id"]
    assert response["milliseconds"] > 0


def test_the_ladder_says_it_in_words(tracer: DnsTracer) -> None:
    text = str(getattr(tracer.query("long.minfo.sn", "TXT").ladder(), "text", ""))
    assert "C: UDP: long.minfo.sn. IN TXT?" in text
    assert "S: TCP: NOERROR, QR AA RD, ANSWER: 20" in text


def test_the_dialogue_holds_the_wire_form_and_goes_through_json(tracer: DnsTracer) -> None:
    step = tracer.mx("minfo.sn")
    raw = step.dialogue.exchanges[-1].received[0].raw
    assert dns.message.from_wire(raw).answer
    assert write_json(read_json(write_json(step.dialogue))) == write_json(step.dialogue)


# --- Hostile servers -------------------------------------------------------------------------


def _other_id(wire: bytes) -> bytes:
    right = by_udp(wire)[0]
    return bytes([right[0] ^ 1]) + right[1:]


def _other_question(wire: bytes) -> bytes:
    query = dns.message.make_query("pirate.sn", "MX", id=int.from_bytes(wire[:2], "big"))
    return dns.message.make_response(query).to_wire()


@pytest.mark.parametrize("forged", [_other_id, _other_question, lambda wire: wire])
def test_what_does_not_answer_is_not_believed(forged: Callable[[bytes], bytes]) -> None:
    error = failing(lambda wire: [forged(wire)])
    assert isinstance(error, RemoteProtocolError)
    assert error.message_id == "dns.mismatch"
    over_tcp = failing(
        by_udp, lambda wire: [len(forged(wire)).to_bytes(2, "big"), forged(wire)], over_tcp=True
    )
    assert over_tcp.message_id == "dns.mismatch"


def test_the_right_answer_may_come_behind_a_forged_one() -> None:
    forged: list[Callable[[bytes], bytes]] = [lambda _: b"\x00", _other_id, _other_question]
    with server(lambda wire: [*(one(wire) for one in forged), *by_udp(wire)]) as running:
        step = DnsTracer(running.where).query("minfo.sn", "MX")
    assert step.texts == ("10 mail.minfo.sn.",)
    assert [note.id for note in step.exchange.notes] == ["dns.stranger"] * 3
    assert len(step.exchange.received) == 4


def test_a_flood_of_forged_answers_ends() -> None:
    error = failing(lambda wire: [_other_id(wire)] * 100)
    assert error.message_id == "dns.mismatch"
    assert isinstance(error.dialogue, Dialogue)
    assert len(error.dialogue.exchanges[0].received) <= 64


def test_garbage_with_the_right_id() -> None:
    error = failing(lambda wire: [by_udp(wire)[0][:-3]])
    assert isinstance(error, RemoteProtocolError)
    assert error.message_id == "dns.malformed"


def test_silence() -> None:
    assert isinstance(failing(silent), ConnectionTimeout)


def test_an_answer_from_elsewhere_is_not_heard() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as theirs,
    ):
        ours.bind(("127.0.0.1", 0))
        theirs.bind(("127.0.0.1", 0))

        def answer_from_elsewhere() -> None:
            wire, client = ours.recvfrom(65_535)
            theirs.sendto(by_udp(wire)[0], client)

        thread = threading.Thread(target=answer_from_elsewhere)
        thread.start()
        tracer = DnsTracer(f"127.0.0.1:{ours.getsockname()[1]}", timeouts=QUICK, tries=1)
        with pytest.raises(ConnectionTimeout):
            tracer.query("minfo.sn", "MX")
        thread.join()


def test_a_tcp_server_that_never_ends() -> None:
    def endless(wire: bytes) -> list[bytes]:
        return [b"".join(by_tcp(wire)) + bytes(1 << 16)] * 100

    error = failing(by_udp, endless, over_tcp=True)
    assert isinstance(error, RemoteProtocolError)
    assert error.message_id == "dns.surplus"


def test_a_tcp_server_that_hangs_up_in_the_middle() -> None:
    error = failing(by_udp, lambda wire: by_tcp(wire)[:2], over_tcp=True)
    assert isinstance(error, ConnectionLost)
    assert isinstance(error.dialogue, Dialogue)
    assert len(error.dialogue.exchanges[0].received[0].raw) == 40


def test_nothing_listens() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        where = f"127.0.0.1:{taken.getsockname()[1]}"
    tracer = DnsTracer(where)
    for tcp in (False, True):
        with pytest.raises(ConnectionRefused):
            tracer.query("minfo.sn", tcp=tcp)


def test_a_server_without_address() -> None:
    with pytest.raises(NameNotFound):
        DnsTracer(f"{'x' * 64}.invalid").query("minfo.sn")


def test_a_failed_question_leaves_the_tracer_usable() -> None:
    answers = iter([silent, by_udp])

    def silent_at_first(wire: bytes) -> list[bytes]:
        return next(answers)(wire)

    with server(silent_at_first) as running:
        tracer = DnsTracer(running.where, timeouts=QUICK, tries=1)
        with pytest.raises(ConnectionTimeout):
            tracer.query("minfo.sn")
        tracer._timeouts = Timeouts()
        step = tracer.query("minfo.sn", "MX")
    assert step.texts == ("10 mail.minfo.sn.",)
    assert [line.side for line in step.exchange.lines] == [Side.CLIENT, Side.SERVER]


@given(st.binary(max_size=300), st.booleans())
def test_octets_are_a_message_or_a_remote_error(garbage: bytes, prefixed: bool) -> None:  # noqa: FBT001
    query = dns.message.make_query("minfo.sn", "MX", id=1)
    raw = answer(query.to_wire()).to_wire()[:12] + garbage if prefixed else garbage
    try:
        message = read(raw, "mail.minfo.sn")
    except RemoteProtocolError:
        return
    assert value(message, len(raw), Transport.UDP).size == len(raw)


# --- Wrong use -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "type_", "message_id"),
    [
        ("minfo.sn", "KELKUN", "dns.bad-type"),
        ("minfo.sn", "", "dns.bad-type"),
        ("minfo.sn", "TYPE70000", "dns.bad-type"),
        ("minfo.sn", "AXFR", "dns.bad-type"),
        ("minfo.sn", "OPT", "dns.bad-type"),
        ("", "A", "dns.bad-name"),
        ("minfo..sn", "A", "dns.bad-name"),
        (".".join(["x" * 63] * 5), "A", "dns.bad-name"),
        ("x" * 64, "A", "dns.bad-name"),
        ("é" * 70, "A", "dns.bad-name"),
        ("\ud800", "A", "dns.bad-name"),
        ("a\\", "A", "dns.bad-name"),
    ],
)
def test_wrong_names_and_types(tracer: DnsTracer, name: str, type_: str, message_id: str) -> None:
    with pytest.raises(UsageError) as caught:
        tracer.query(name, type_)
    assert caught.value.message_id == message_id
    for lang in ("en", "fr"):
        assert "accept" in caught.value.worded(lang)
    assert not tracer.dialogue.exchanges


@pytest.mark.parametrize("address", ["", "minfo.sn", "192.168.10", "1.2.3.4.5", "::g"])
def test_wrong_addresses(tracer: DnsTracer, address: str) -> None:
    with pytest.raises(UsageError, match=r"192\.168\.10\.1"):
        tracer.reverse(address)
    with pytest.raises(UsageError, match=r"192\.168\.10\.1"):
        tracer.dnsbl(address, "dnsbl.minfo.sn")


@pytest.mark.parametrize("payload", [-1, 1, 511, 65_536])
def test_wrong_payloads(tracer: DnsTracer, payload: int) -> None:
    with pytest.raises(UsageError) as caught:
        tracer.query("minfo.sn", payload=payload)
    assert caught.value.message_id == "dns.bad-payload"


def test_dnspython_is_not_loaded_before_a_question() -> None:
    code = (
        "import sys, mailsim; mailsim.DnsTracer('127.0.0.1:53');"
        "print([name for name in sys.modules if name.partition('.')[0] == 'dns'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_public_name() -> None:
    import mailsim

    assert mailsim.DnsTracer is DnsTracer


def test_the_system_is_not_asked(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    import dns.resolver

    def refused(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(dns.resolver, "resolve", refused)
    monkeypatch.setattr(dns.resolver.Resolver, "__init__", refused)
    assert DnsTracer(where).query("mail.minfo.sn", "AAAA").texts == ("2001:db8::1",)
