"""How a service of the lab is reached, and what meets who tries where there is none."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from mailsim.dialogue import Dialogue
from mailsim.errors import (
    ConnectionRefused,
    ConnectionTimeout,
    LabError,
    NetworkError,
    UsageError,
)
from mailsim.lab.backend import Backend, Document
from mailsim.lab.evidence import Witness
from mailsim.lab.network import network
from mailsim.lab.snapshot import endpoints, services
from mailsim.model.endpoint import Endpoint, PortState, Protocol, Security
from mailsim.net import Timeouts

_SECURITY = {True: Security.IMPLICIT, False: Security.NONE}
_PATIENCE = Timeouts().connect


class Reach:
    """The way to the services of one lab as it is now."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._about: Document = backend.ask("describe")
        self.ca = str(self._about["ca"])
        self.endpoints = endpoints(self._about["endpoints"], network().server.name)

    def service(self, name: str, protocol: Protocol, *, tls: bool | None = None) -> Endpoint:
        """The endpoint of that name, "" for the protocol's first open one; `tls`: from the first byte (None: its own way).

        Raises UsageError for a name that is none of this protocol's, LabError where the
        lab has no such server yet; what a real client meets at a port that is closed
        (ConnectionRefused) or filtered (ConnectionTimeout, without the waiting).
        """
        known = services(protocol)
        if not name:
            name = next((one for one in known if self._is_open(one)), known[0])
        if name not in known:
            raise UsageError("lab.unknown-service", name=name, known=", ".join(known))
        found = self.endpoints.get(name)
        if found is None:
            raise LabError("lab.no-server-yet", name=name)
        if found.state is not PortState.OPEN:
            raise self._missed(found)
        return found if tls is None else replace(found, security=_SECURITY[tls])

    def _is_open(self, name: str) -> bool:
        found = self.endpoints.get(name)
        return found is not None and found.state is PortState.OPEN

    def _missed(self, there: Endpoint) -> NetworkError:
        where: dict[str, Any] = {"server": there.server, "port": there.port}
        error: NetworkError
        if there.state is PortState.CLOSED:
            error = ConnectionRefused("net.refused", **where)
        else:
            error = ConnectionTimeout("net.connect-timeout", seconds=_PATIENCE, **where)
        error.dialogue = Dialogue(there, ())
        self.witness().end(Dialogue(there, ()))
        return error

    def witness(self) -> Witness:
        """Who writes down what a new tracer hears."""
        return Witness(self._backend)

    def query_ids(self) -> Callable[[], int] | None:
        """Ids of DNS questions that repeat, where the lab's seed fixes things; else None."""
        if not self._about["fixed"]:
            return None
        source = random.Random(f"{self._about['seed']}/dns-id")  # noqa: S311 - to repeat a lesson
        return lambda: source.randrange(65_536)
