"""The Lab: what a notebook, a test or a script holds in its hand."""

from __future__ import annotations

import email
from base64 import b64encode
from collections.abc import Callable, Mapping
from email.message import Message
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import mailsim
from mailsim.errors import LabError, MailsimError, UsageError
from mailsim.lab import arguments, snapshot
from mailsim.lab.attach import attach_or_start, check_backend, lab_name, running_in_process
from mailsim.lab.network import network
from mailsim.lab.reach import Reach
from mailsim.language import language
from mailsim.model.endpoint import Protocol
from mailsim.model.network import Host
from mailsim.model.stage import Release, Stage
from mailsim.net.closing import Closing

if TYPE_CHECKING:
    from mailsim.dialogue import Dialogue
    from mailsim.lab.backend import Backend
    from mailsim.lab.settings import Settings
    from mailsim.model.journey import Journey
    from mailsim.tracers.base import Tracer
    from mailsim.tracers.dns import DnsTracer
    from mailsim.tracers.imap import ImapTracer
    from mailsim.tracers.managesieve import ManageSieveTracer
    from mailsim.tracers.pop3 import Pop3Tracer
    from mailsim.tracers.smtp import SmtpTracer

T = TypeVar("T", bound="Tracer[Any, Any]")

_LOCALHOST = Host("localhost", "127.0.0.1", "server")


class Lab(Closing):
    """A running mail system.

        with Lab(stage="relay", seed="1") as lab:
            with lab.smtp(as_host="mx.ugb.sn") as smtp:
                smtp.ehlo("mx.ugb.sn")

    Attaches to the lab that `name` or MAILSIM_LAB names ("default"), else starts one in this
    process, which ends with `close()`, the `with` or the process.  A `stage`, `release`,
    `seed` or `folder` that the running lab has not raises LabError.  `seed`: fixes ids,
    passwords and the clock, so that all repeats (None: MAILSIM_SEED, else chance);
    `folder` keeps queue and mailboxes (None: memory).  Whatever it gives is a snapshot.
    """

    def __init__(
        self,
        backend: str = "embedded",
        release: str | Release | None = None,
        stage: str | Stage | None = None,
        seed: str | int | None = None,
        name: str | None = None,
        folder: str | Path | None = None,
    ) -> None:
        check_backend(backend)
        self.name = lab_name(None if name is None else arguments.text("Lab(name)", name))
        self._backend: Backend = attach_or_start(
            name,
            backend=backend,
            stage=None if stage is None else Stage.of(stage),
            release=None if release is None else Release.of(release),
            seed=None if seed is None else str(seed),
            folder=None if folder is None else arguments.path("Lab(folder)", folder),
        )
        self._closed = False
        running = running_in_process(self.name)
        if running is not None and running.users is not None:
            running.users.add(self)

    def close(self) -> None:
        """Let go of the lab; one that was started for Labs in this process ends with the last."""
        if self._closed:
            return
        self._closed = True
        running = running_in_process(self.name)
        if running is not None:
            running.leave(self)

    def __repr__(self) -> str:
        if self._closed:
            return f"<Lab {self.name}, closed>"
        about = self._about
        faults = f", faults {' '.join(about.faults)}" if about.faults else ""
        return f"<Lab {about.name}: {about.backend}, {about.release}, stage {about.stage}{faults}>"

    def _ask(self, operation: str, /, **parameters: Any) -> Any:
        if self._closed:
            raise LabError("lab.closed", name=self.name)
        return self._backend.ask(operation, **parameters)

    # --- what it is

    @property
    def _about(self) -> snapshot.About:
        return snapshot.about(self._ask("describe"))

    @property
    def stage(self) -> Stage:
        """How far the thesis's construction has gone."""
        return Stage.of(self._about.stage)

    @property
    def release(self) -> Release:
        """Whose behaviour it shows."""
        return Release.of(self._about.release)

    @property
    def seed(self) -> str:
        """What its ids and passwords are made from; a given one fixes its clock too."""
        return self._about.seed

    @property
    def faults(self) -> tuple[str, ...]:
        """The thesis's errors that are switched on."""
        return self._about.faults

    @property
    def ca(self) -> Path:
        """The certificate (PEM) to trust."""
        return Path(self._about.document["ca"])

    @property
    def accounts(self) -> snapshot.Accounts:
        """Who has a mailbox, with the passwords."""
        return snapshot.accounts(self._about.document["accounts"])

    @property
    def endpoints(self) -> snapshot.Endpoints:
        """Every service: open, closed at this stage, or filtered."""
        return snapshot.endpoints(self._about.document["endpoints"], network().server.name)

    @property
    def fingerprint(self) -> snapshot.Fingerprint:
        """A hash for each part of the lab's state: equal where nothing differs."""
        return snapshot.Fingerprint(self._ask("fingerprint"))

    def settings(self, stage: str | Stage | None = None) -> Settings:
        """All that the real system sets at that stage (None: the lab's), its faults marked."""
        from mailsim.lab.settings import settings  # noqa: PLC0415 - 100 KB that few ask for

        at = self.stage if stage is None else Stage.of(stage)
        return settings(at, self.release, self.faults)

    def diff(self, first: str | Stage, second: str | Stage) -> Settings:
        """What the real system sets otherwise at the stage `second` than at `first`."""
        from mailsim.lab.settings import diff  # noqa: PLC0415 - 100 KB that few ask for

        return diff(Stage.of(first), Stage.of(second), self.release, self.faults)

    # --- tracers

    def smtp(
        self,
        service: str = "smtp",
        as_host: str | None = None,
        *,
        tls: bool | None = None,
        **options: Any,
    ) -> SmtpTracer:
        """An SMTP client at "smtp", "submission" or "submissions".

        `as_host`: be another host of the network (or "localhost") by XCLIENT, which the
        transcript shows; `tls`: TLS from the first byte (None: the service's own way);
        `options`: the tracer's.  Raises what a client meets: ConnectionRefused,
        ConnectionTimeout; UsageError, LabError.
        """
        host = None if as_host is None else _host(as_host)
        smtp = self._tracer(mailsim.SmtpTracer, service, Protocol.SMTP, tls=tls, **options)
        if host is not None:
            _become(smtp, host)
        return smtp

    def pop3(self, service: str = "", *, tls: bool | None = None, **options: Any) -> Pop3Tracer:
        """A POP3 client at "pop3" or "pop3s"; "" is the first of them that the stage leaves open."""
        return self._tracer(mailsim.Pop3Tracer, service, Protocol.POP3, tls=tls, **options)

    def imap(self, service: str = "", *, tls: bool | None = None, **options: Any) -> ImapTracer:
        """An IMAP client at "imap" or "imaps"; "" is the first of them that the stage leaves open."""
        return self._tracer(mailsim.ImapTracer, service, Protocol.IMAP, tls=tls, **options)

    def sieve(self, service: str = "managesieve", **options: Any) -> ManageSieveTracer:
        """A ManageSieve client."""
        kind = mailsim.ManageSieveTracer
        return self._tracer(kind, service, Protocol.MANAGESIEVE, tls=None, **options)

    def dns(self, **options: Any) -> DnsTracer:
        """A DNS client that asks the lab's name server."""
        reach = self._reach()
        if (ids := reach.query_ids()) is not None:
            options.setdefault("new_id", ids)
        where = reach.service("dns", Protocol.DNS)
        return mailsim.DnsTracer(where, watcher=reach.witness(), **options)

    def _reach(self) -> Reach:
        self._about  # noqa: B018 - says that the lab is closed
        return Reach(self._backend)

    def _tracer(
        self,
        kind: Callable[..., T],
        service: str,
        protocol: Protocol,
        *,
        tls: bool | None,
        **options: Any,
    ) -> T:
        tls = None if tls is None else arguments.flag(f"{protocol.value}(tls)", tls)
        reach = self._reach()
        where = reach.service(service, protocol, tls=tls)
        witness = reach.witness()
        try:
            return kind(where, ca=reach.ca, watcher=witness, **options)
        except MailsimError as error:
            if error.dialogue is not None:
                witness.end(_dialogue(error))
            raise

    # --- what happens in it

    def reset(self, stage: str | Stage | None = None) -> snapshot.Fingerprint:
        """The pristine stage again, or another: no mail, no faults, no evidence; connections are cut."""
        wanted = "" if stage is None else Stage.of(stage).value
        return snapshot.Fingerprint(self._ask("reset", stage=wanted))

    def fault(self, name: str, *, on: bool = True) -> tuple[str, ...]:
        """Switch one of the thesis's errors on or off; those that are on now."""
        wanted = arguments.text("fault(name)", name)
        return tuple(self._ask("fault", name=wanted, on=arguments.flag("fault(on)", on)))

    def disturb(self, rule: Mapping[str, Any] | str | Path) -> tuple[str, ...]:
        """Inject a reply, a delay, a cut or a truncation; the names of all rules.

        `rule`: `{"name": …, "protocol": "smtp", "command": "RCPT", "action": "answer",
        "text": "451 4.3.0 Try again later"}`; several, `{"version": 1, "rules": […]}`; or the
        path of a file that holds either as JSON.
        """
        return tuple(self._ask("disturb", rules=arguments.rules("disturb(rule)", rule)))

    @property
    def disturbances(self) -> snapshot.Snapshot[Mapping[str, Any]]:
        """The rules that disturb it, by name."""
        return snapshot.Snapshot({one["name"]: one for one in self._ask("disturbances")})

    def undisturb(self, name: str = "") -> None:
        """Take that rule away, or all of them."""
        self._ask("undisturb", name=arguments.text("undisturb(name)", name))

    def deliver(
        self,
        message: str | bytes | Message,
        sender: str | None = None,
        recipients: str | tuple[str, ...] | list[str] | None = None,
    ) -> str:
        """Hand a message to the queue as a program on the server would; its Message-ID.

        Sender and recipients are the header's where none are given.
        """
        content = arguments.content("deliver(message)", message)
        headers = email.message_from_bytes(content)
        if recipients is None:
            recipients = arguments.header_addresses(headers, "To", "Cc", "Bcc")
        given = arguments.addresses("deliver(recipients)", recipients)
        if not given:
            raise UsageError("lab.no-recipient")
        if sender is None:
            sender = next(iter(arguments.header_addresses(headers, "From")), "")
        return str(
            self._ask(
                "deliver",
                content=b64encode(content).decode(),
                sender=arguments.sender("deliver(sender)", sender),
                recipients=given,
            )
        )

    def wait(self, message_id: str, timeout: float = 10.0) -> Journey:
        """The message's way, once it and all that came of it are at rest.  Raises LabError."""
        wanted = arguments.text("wait(message_id)", message_id)
        patience = arguments.patience("wait(timeout)", timeout)
        self._ask("wait", message_id=wanted, timeout=patience)
        return self.journey(message_id)

    def idle(self, timeout: float = 30.0) -> None:
        """Wait until all mail that can be delivered is."""
        self._ask("idle", timeout=arguments.patience("idle(timeout)", timeout))

    def advance(self, seconds: float) -> None:
        """Let time pass in the lab at once: what is deferred may be tried again."""
        self._ask("advance", seconds=arguments.seconds("advance(seconds)", seconds))

    def peer(self, domain: str, *, up: bool) -> tuple[str, ...]:
        """Stop a foreign domain's server, or start it; the domains whose server runs."""
        wanted = arguments.text("peer(domain)", domain)
        return tuple(self._ask("peer", domain=wanted, up=arguments.flag("peer(up)", up)))

    # --- mail

    @property
    def queue(self) -> snapshot.Queue:
        """What waits."""
        return snapshot.queue(self._ask("queue"))

    def flush(self, site: str = "") -> None:
        """Try what is deferred now, all of it or what goes to that site."""
        self._ask("flush", site_name=arguments.text("flush(site)", site))

    def hold(self, queue_id: str) -> None:
        """Hold a message back."""
        self._ask("hold", queue_id=arguments.text("hold(queue_id)", queue_id))

    def release_held(self, queue_id: str) -> None:
        """Let a held message go."""
        self._ask("release", queue_id=arguments.text("release_held(queue_id)", queue_id))

    def delete(self, queue_id: str) -> None:
        """Take a message out of the queue for good."""
        self._ask("delete", queue_id=arguments.text("delete(queue_id)", queue_id))

    @property
    def mailboxes(self) -> snapshot.Mailboxes:
        """User → mailbox → messages."""
        return snapshot.mailboxes(self._ask("mailboxes"))

    def set_quota(self, user: str, *, octets: int = 0, messages: int = 0) -> None:
        """Let the user keep no more than that; 0 is no limit."""
        self._ask("set_quota", user=user, octets=octets, messages=messages)

    # --- what is seen

    def scan(self) -> snapshot.Scan:
        """The server's ports as a scan would find them; on this backend the firewall is a model."""
        return snapshot.scan(self._ask("scan"))

    @property
    def logs(self) -> snapshot.Logs:
        """The servers' log."""
        return snapshot.logs(self._ask("logs")["lines"])

    def journey(self, message: str) -> Journey:
        """The way of the message with this Message-ID or queue id, read from the log, with the
        Sieve rules that decided it.

        Without stops where the log does not know it.
        """
        from mailsim.lab.journeys import way  # noqa: PLC0415 - here alone

        return way(self._backend, arguments.text("journey(message)", message))

    def sieve_runs(self, message_id: str, lang: str | None = None) -> snapshot.SieveRuns:
        """What Sieve did with the message, test by test and why."""
        wanted = arguments.text("sieve_runs(message_id)", message_id)
        return snapshot.sieve_runs(self._ask("sieve_runs", message_id=wanted, lang=language(lang)))

    @property
    def evidence(self) -> snapshot.Evidence:
        """Every dialogue that tracers of this lab have had, secrets masked."""
        return snapshot.evidence(self._ask("evidence"))


def _host(name: str) -> Host:
    return _LOCALHOST if name == "localhost" else network().host(name)


def _become(smtp: SmtpTracer, host: Host) -> None:
    """Say who we are; it is no lesson of its own, so that a refusal is an error."""
    try:
        step = smtp.xclient(name=host.name, addr=host.address)
        if not step.ok:
            raise LabError("lab.no-xclient", name=host.name, reply=step.text)
    except MailsimError:
        smtp.close()
        raise


def _dialogue(error: MailsimError) -> Dialogue:
    from mailsim.dialogue import Dialogue  # noqa: PLC0415 - here alone

    assert isinstance(error.dialogue, Dialogue)  # noqa: S101 - the tracers' own
    return error.dialogue
