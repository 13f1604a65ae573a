"""Asks one name server, by UDP and by TCP."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Final

from mailsim.dialogue import Dialogue, Exchange, Recorder
from mailsim.errors import (
    ConnectionLost,
    ConnectionTimeout,
    MailsimError,
    RemoteProtocolError,
    UsageError,
)
from mailsim.model import Endpoint, Protocol
from mailsim.net import Stream, Timeouts, clock, endpoint
from mailsim.net.closing import Closing
from mailsim.net.datagram import Datagram
from mailsim.protocol.core import Received
from mailsim.tracers.dns.message import Message, Options, Transport, make_query, read, value
from mailsim.tracers.dns.step import DnsStep
from mailsim.tracers.watcher import Watcher

if TYPE_CHECKING:
    import dns.message

TIMEOUTS: Final = Timeouts(connect=5.0, silence=5.0, exchange=15.0)
"""As long as dig waits for an answer."""

# So many strange datagrams while one answer is awaited are an attack, not chance.
_STRANGERS: Final = 64


def _new_id() -> int:
    # RFC 5452: an id that cannot be guessed is half of what keeps forgers out.
    return secrets.randbelow(65_536)


class DnsTracer(Closing):
    """A DNS client that asks the server it was given, and no other.

        with DnsTracer("127.0.0.1:5353") as dns:
            dns.query("minfo.sn", "MX")
            dns.reverse("192.168.10.1")
            dns.dnsbl("192.168.66.66", "dnsbl.minfo.sn")

    `where`: an Endpoint, "host", "host:port", "[::1]:port"; `server_name` what
    transcripts show for it.  `tries`: how often a question goes out by UDP, each waiting
    `timeouts.silence` seconds for its answer.  `new_id` gives ids, 0 to 65535; `watcher` is
    told the dialogue after each question.  Every method returns its DnsStep: NXDOMAIN and
    REFUSED are results.  Raises NetworkErrors and RemoteProtocolError, each with the
    `dialogue` so far; UsageError.
    """

    protocol: ClassVar[Protocol] = Protocol.DNS

    def __init__(
        self,
        where: str | Endpoint,
        *,
        server_name: str = "",
        local_address: str = "",
        timeouts: Timeouts = TIMEOUTS,
        tries: int = 3,
        new_id: Callable[[], int] = _new_id,
        watcher: Watcher | None = None,
    ) -> None:
        self.endpoint = endpoint(where, self.protocol, tls=False, server_name=server_name)
        self.steps: list[DnsStep] = []
        self._local = local_address
        self._timeouts = timeouts
        self._tries = max(1, tries)
        self._new_id = new_id
        self._recorder = Recorder(self.endpoint, clock)
        self._watcher = watcher

    @property
    def dialogue(self) -> Dialogue:
        """All messages so far, in wire form."""
        return self._recorder.dialogue

    def close(self) -> None:
        """Nothing stays open between two questions; here for the tracers' common use."""
        if self._watcher:
            self._watcher.end(self.dialogue)

    # questions

    def query(
        self,
        name: str,
        type: str = "A",  # noqa: A002 - the DNS's word
        *,
        tcp: bool = False,
        recursion: bool = True,
        dnssec: bool = False,
        payload: int = 1232,
    ) -> DnsStep:
        """Ask for the records of `name` and `type`; a truncated answer is asked again by TCP.

        `recursion`, `dnssec`: the flags RD and DO; `payload`: the octets of a UDP answer
        that EDNS offers (RFC 6891), 0 to leave EDNS out, as nslookup does.
        """
        options = Options(recursion=recursion, dnssec=dnssec, payload=payload)
        asked = make_query(name, type, options, self._new_id())
        try:
            received, exchange = self._asked(asked, tcp=tcp)
        except MailsimError as error:
            error.dialogue = self.dialogue
            self._recorder.close()
            self._tell()
            raise
        sent = value(asked, len(asked.to_wire()), received[0].value.transport)
        step = DnsStep(exchange, received, lambda: self.dialogue, sent)
        self.steps.append(step)
        self._tell()
        return step

    def _tell(self) -> None:
        if self._watcher:
            self._watcher.step(self.dialogue)

    def reverse(self, address: str, *, tcp: bool = False) -> DnsStep:
        """Ask for the names of `address`: PTR under in-addr.arpa or ip6.arpa (RFC 1035 §3.5)."""
        return self.query(f"{_address(address).reverse_pointer}.", "PTR", tcp=tcp)

    def dnsbl(self, address: str, zone: str, type: str = "A") -> DnsStep:  # noqa: A002
        """Ask the block list `zone` about `address`: `type` "A" if listed, "TXT" why.

        An answer means listed, NXDOMAIN not (RFC 5782).
        """
        reverse = _address(address).reverse_pointer
        labels = reverse.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa")
        return self.query(f"{labels}.{zone}", type)

    def mx(self, domain: str) -> DnsStep:
        """Ask where `domain` receives its mail (RFC 5321 §5.1)."""
        return self.query(domain, "MX")

    # the wire

    def _asked(
        self, asked: dns.message.Message, *, tcp: bool
    ) -> tuple[list[Received[Message]], Exchange]:
        received: list[Received[Message]] = []
        if not tcp:
            received.append(self._by_udp(asked))
            if "TC" not in received[0].value.flags:
                return received, self._recorder.close()
            # RFC 7766 §5: a truncated answer is not used, the question goes out again by TCP.
            self._recorder.close()
            self._recorder.note("dns.over-tcp")
        received.append(self._by_tcp(asked))
        return received, self._recorder.close()

    def _by_udp(self, asked: dns.message.Message) -> Received[Message]:
        """Up to `tries` times the same question; the first answer to it counts."""
        wire = asked.to_wire()
        strangers: list[bytes] = []
        socket = Datagram(self.endpoint, local_address=self._local)
        begun = clock()
        try:
            for _ in range(self._tries):
                self._recorder.client((wire,))
                socket.send(wire)
                found = self._udp_answer(socket, asked, strangers)
                if found is not None:
                    raw, message = found
                    answer = value(message, len(raw), Transport.UDP, clock() - begun)
                    return Received(answer, (raw,))
        finally:
            socket.close()
        if strangers:
            raise self._strange(len(strangers))
        seconds = self._timeouts.silence * self._tries
        raise ConnectionTimeout("net.silence", server=self.endpoint.server, seconds=seconds)

    def _udp_answer(
        self, socket: Datagram, asked: dns.message.Message, strangers: list[bytes]
    ) -> tuple[bytes, dns.message.Message] | None:
        """The datagram that answers, None if it did not come in time.

        RFC 5452 §9.1: what does not match is no answer, and the right one may still come.
        """
        waited = self._timeouts.silence
        deadline = clock() + waited
        while True:
            try:
                raw = socket.receive(deadline, waited)
            except ConnectionTimeout:
                return None
            self._recorder.server((raw,))
            message = self._matching(raw, asked)
            if message is not None:
                return raw, message
            strangers.append(raw)
            self._recorder.note("dns.stranger", octets=str(len(raw)))
            if len(strangers) >= _STRANGERS:
                raise self._strange(len(strangers))

    def _matching(self, raw: bytes, asked: dns.message.Message) -> dns.message.Message | None:
        """The message in `raw` if it answers; with the right id, what cannot be read is an error."""
        if raw[:2] != asked.id.to_bytes(2, "big"):
            return None
        message = read(raw, self.endpoint.server)
        return message if asked.is_response(message) else None

    def _strange(self, count: int) -> RemoteProtocolError:
        return RemoteProtocolError("dns.mismatch", server=self.endpoint.server, count=count)

    def _by_tcp(self, asked: dns.message.Message) -> Received[Message]:
        stream = Stream(self.endpoint, timeouts=self._timeouts, local_address=self._local)
        begun = clock()
        try:
            stream.begin()
            wire = _framed(asked.to_wire())
            self._recorder.client((wire,))
            stream.write(wire)
            raw = self._frame(stream)
        finally:
            stream.close()
        message = self._matching(raw[2:], asked)
        if message is None:
            raise self._strange(1)
        answer = value(message, len(raw) - 2, Transport.TCP, clock() - begun)
        return Received(answer, (raw,))

    def _frame(self, stream: Stream) -> bytes:
        """A message behind its length in two octets (RFC 1035 §4.2.2), recorded as far as it came."""
        data = b""
        try:
            while len(data) < 2 or len(data) < 2 + int.from_bytes(data[:2], "big"):
                more = stream.read()
                if not more:
                    raise ConnectionLost("net.closed", server=self.endpoint.server)
                data += more
        finally:
            if data:
                self._recorder.server((data,))
        whole = 2 + int.from_bytes(data[:2], "big")
        if len(data) > whole:
            surplus = len(data) - whole
            raise RemoteProtocolError("dns.surplus", server=self.endpoint.server, octets=surplus)
        return data


def _framed(wire: bytes) -> bytes:
    return len(wire).to_bytes(2, "big") + wire


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        return ipaddress.ip_address(text.strip())
    except ValueError:
        raise UsageError("dns.bad-address", address=text[:80]) from None
