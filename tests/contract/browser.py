"""A browser of the smallest kind, on the workstation: it keeps cookies, and knows the lab's authority."""

from __future__ import annotations

import asyncio
import http.client
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

from mailsim import Lab
from mailsim.lab.network import network
from mailsim.model.stage import Stage
from mailsim.net.forwarding import Namespace

PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Page:
    """What came back."""

    status: int
    text: str
    location: str = ""


@dataclass
class Browser:
    """Asks mail.minfo.sn from poste.minfo.sn, by HTTPS from stage tls on."""

    lab: Lab
    workstation: Namespace
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, *, secure: bool | None = None) -> Page:
        """GET; redirects are not followed."""
        return self._ask("GET", path, None, secure=secure)

    def post(self, path: str, **fields: str) -> Page:
        """POST a form."""
        return self._ask("POST", path, urlencode(fields), secure=None)

    def _ask(self, method: str, path: str, body: str | None, *, secure: bool | None) -> Page:
        secure = self.lab.stage >= Stage.TLS if secure is None else secure
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection = self._connected(secure=secure)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            for line in answer.headers.get_all("Set-Cookie") or ():
                self._keep(line)
            text = answer.read().decode("utf-8", "replace")
            return Page(answer.status, text, answer.headers.get("Location", ""))
        finally:
            connection.close()

    def _connected(self, *, secure: bool) -> http.client.HTTPConnection:
        server = network().server
        address = (server.address, 443 if secure else 80)
        made = asyncio.run(self.workstation.connect(address, PATIENCE))
        made.settimeout(PATIENCE)
        connection = http.client.HTTPConnection(server.name, timeout=PATIENCE)
        context = ssl.create_default_context(cafile=str(self.lab.ca))
        connection.sock = context.wrap_socket(made, server_hostname=server.name) if secure else made
        return connection

    def _keep(self, line: str) -> None:
        for name, one in SimpleCookie(line).items():
            if one.value == "-del-":
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = one.value


@contextmanager
def browser(lab: Lab) -> Iterator[Browser]:
    """On the workstation of a container lab: a network namespace of the container's name."""
    name = lab._about.document["container"]
    workstation = Namespace(Path("/run/netns") / name)
    try:
        yield Browser(lab, workstation)
    finally:
        workstation.close()
