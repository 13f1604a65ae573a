"""`mailsim trace dns NAME [TYPE]`: one question to a name server."""

from __future__ import annotations

import ipaddress
import re
import sys
from pathlib import Path

import typer

from mailsim.cli.attached import NAME, lab_named
from mailsim.cli.output import JSON, LANG, chosen_language, say, show_json
from mailsim.errors import UsageError
from mailsim.language import language, word
from mailsim.net import Timeouts

_RESOLV_CONF = Path("/etc/resolv.conf")
_NAMESERVER = re.compile(r"^nameserver\s+(\S+)", re.MULTILINE)

_NAME = typer.Argument(..., metavar="NAME", help=word("dns.name"))
_TYPE = typer.Argument("", metavar="TYPE", help=word("dns.type"))
_TO = typer.Option("", "--to", metavar="SERVER", help=word("dns.to"))
_TCP = typer.Option(False, "--tcp", help=word("dns.tcp"))
_DNSSEC = typer.Option(False, "--dnssec", help=word("dns.dnssec"))
_RECURSION = typer.Option(True, "--recursion/--no-recursion", help=word("dns.no-recursion"))
_TIMEOUT = typer.Option(5.0, "--timeout", metavar="SECONDS", help=word("cli.timeout"))
_EXPLAIN = typer.Option(None, "--explain/--no-explain", help=word("cli.explain-lines"))


def trace_dns(
    name: str = _NAME,
    type_: str = _TYPE,
    to: str = _TO,
    lab_name: str | None = NAME,
    tcp: bool = _TCP,
    dnssec: bool = _DNSSEC,
    recursion: bool = _RECURSION,
    timeout: float = _TIMEOUT,
    explain: bool | None = _EXPLAIN,
    json: bool = JSON,
    lang: str | None = LANG,
) -> int:
    """Ask a name server, show question and answer."""
    from mailsim.tracers.dns import DnsTracer  # noqa: PLC0415 - only this command asks

    spoken = language(chosen_language(lang))
    if timeout <= 0:
        raise UsageError("cli.bad-timeout", timeout=timeout)
    lab = lab_named(to or "dns", lab_name)
    server = lab.service(to or "dns", DnsTracer.protocol) if lab else to or _system_server(spoken)
    patience = Timeouts(connect=timeout, silence=timeout, exchange=3 * timeout)
    asked, wanted = _question(name, type_)
    watcher = lab.witness() if lab else None
    with DnsTracer(server, timeouts=patience, watcher=watcher) as tracer:
        step = tracer.query(asked, wanted, tcp=tcp, recursion=recursion, dnssec=dnssec)
    if json:
        show_json(step.document())
    elif sys.stdout.isatty() if explain is None else explain:
        say(step.explain(spoken))
    else:
        say(step.transcript())
    return 0


def _question(name: str, type_: str) -> tuple[str, str]:
    """An address stands for its reverse name, as in nslookup."""
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return name, type_ or "A"
    if type_.upper() not in ("", "PTR", "ANY"):
        return name, type_
    return f"{address.reverse_pointer}.", type_ or "PTR"


def _system_server(lang: str) -> str:
    """The first nameserver of the system's file, said so beside the result."""
    try:
        found = _NAMESERVER.search(_RESOLV_CONF.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        found = None
    if found is None:
        raise UsageError("dns.no-server")
    print(word("dns.system-server", lang, server=found.group(1)), file=sys.stderr)
    return found.group(1)
