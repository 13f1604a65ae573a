"""`mailsim trace`: a dialogue step by step at the terminal, from a script, or through a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

import mailsim
from mailsim.cli.attached import NAME, lab_named
from mailsim.cli.dns import trace_dns
from mailsim.cli.output import JSON, LANG, chosen_language
from mailsim.cli.session import Session, Show
from mailsim.errors import NameNotFound, UsageError
from mailsim.language import word
from mailsim.model import Protocol
from mailsim.model.service import SERVICES
from mailsim.net import Timeouts
from mailsim.tracers.base import Tracer
from mailsim.wire.quirk import Quirk

app = typer.Typer(help=word("cli.trace"), no_args_is_help=True)

_TO = typer.Option(..., "--to", metavar="ENDPOINT", help=word("cli.to"))
_SCRIPT = typer.Option(None, "--script", metavar="FILE", help=word("cli.script"))
_SAVE = typer.Option(None, "--save", metavar="FILE", help=word("cli.save"))
_TLS = typer.Option(None, "--tls/--no-tls", help=word("cli.tls"))
_CA = typer.Option(None, "--ca", metavar="FILE", help=word("cli.ca"))
_SERVER_NAME = typer.Option("", "--server-name", metavar="NAME", help=word("cli.server-name"))
_FROM = typer.Option("", "--from", metavar="ADDRESS", help=word("cli.from"))
_TIMEOUT = typer.Option(30.0, "--timeout", metavar="SECONDS", help=word("cli.timeout"))
_QUIRK = typer.Option([], "--quirk", metavar="NAME", help=word("cli.quirk"))
_EXPLAIN = typer.Option(None, "--explain/--no-explain", help=word("cli.explain-lines"))
_REVEAL = typer.Option(False, "--reveal", help=word("cli.reveal"))


_LONGEST = 86_400.0  # a day


def _command(protocol: str, kind: str) -> None:
    """Declare `mailsim trace NAME`, all of them alike."""

    def trace(
        to: str = _TO,
        name: str | None = NAME,
        script: Path | None = _SCRIPT,
        save: Path | None = _SAVE,
        tls: bool | None = _TLS,
        ca: Path | None = _CA,
        server_name: str = _SERVER_NAME,
        local: str = _FROM,
        timeout: float = _TIMEOUT,
        quirk: list[str] = _QUIRK,
        explain: bool | None = _EXPLAIN,
        reveal: bool = _REVEAL,
        json: bool = JSON,
        lang: str | None = LANG,
    ) -> int:
        if not 0 < timeout <= _LONGEST:  # "nan" is in no range
            raise UsageError("cli.bad-timeout", timeout=timeout)
        explained = sys.stdin.isatty() and script is None if explain is None else explain
        quirks = frozenset(map(_quirk, quirk))
        show = Show(chosen_language(lang), explained=explained, reveal=reveal, json=json)
        session = Session(show, save=save, script=script)
        tracer = _tracer(kind)

        def connect() -> Tracer[Any, Any]:
            lab = lab_named(to, name)
            with _named(to, tracer.protocol):
                return tracer(
                    lab.service(to, tracer.protocol, tls=tls) if lab else to,
                    tls=tls,
                    ca=ca or (lab.ca if lab else None),
                    server_name=server_name,
                    local_address=local,
                    timeouts=Timeouts(connect=min(timeout, 10.0), silence=timeout),
                    quirks=quirks,
                    watcher=lab.witness() if lab else None,
                )

        return session.run(connect)

    app.command(protocol, help=word(f"cli.trace-{protocol}"))(trace)


@contextmanager
def _named(to: str, protocol: Protocol) -> Iterator[None]:
    """A single word that no name server knows is a lab's service, misspelt."""
    try:
        yield
    except NameNotFound:
        if not to.isalnum():
            raise
        known = ", ".join(name for name, one in SERVICES.items() if one.protocol is protocol)
        raise UsageError("cli.no-service", to=to, known=known) from None


def _quirk(name: str) -> Quirk:
    try:
        return Quirk(name)
    except ValueError:
        known = ", ".join(one.value for one in Quirk)
        raise UsageError("cli.bad-quirk", name=name, known=known) from None


def _tracer(kind: str) -> type[Tracer[Any, Any]]:
    found: type[Tracer[Any, Any]] = getattr(mailsim, kind)  # imported only now
    return found


for _name, _kind in (
    ("smtp", "SmtpTracer"),
    ("lmtp", "LmtpTracer"),
    ("pop3", "Pop3Tracer"),
    ("imap", "ImapTracer"),
    ("sieve", "ManageSieveTracer"),
):
    _command(_name, _kind)
app.command("dns", help=word("cli.trace-dns"))(trace_dns)
