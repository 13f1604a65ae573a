"""What the simulator's servers share: one world, made from a network, a stage and a seed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from mailsim.model.network import Network
from mailsim.model.stage import Release, Stage
from mailsim.servers.accounts import LabAccounts
from mailsim.servers.clock import Clock
from mailsim.servers.config import Config, config
from mailsim.servers.disturbance import Disturbances
from mailsim.servers.dns.names import Names
from mailsim.servers.dovecot.anvil import Anvil
from mailsim.servers.filter import Filter
from mailsim.servers.ids import Ids
from mailsim.servers.log import Log
from mailsim.servers.queue import Queue
from mailsim.servers.sieve_runs import SieveRuns
from mailsim.servers.store import Store

if TYPE_CHECKING:
    from pathlib import Path


class World:
    """The state of one lab.  All of it lives on the simulator's loop; a reset makes another.

    `seed` fixes ids and passwords, and the time if `fixed`.  `folder` keeps queue and
    mailboxes on disk; None keeps them in memory; `store` is one that is open already.
    """

    def __init__(
        self,
        network: Network,
        *,
        stage: Stage,
        release: Release,
        seed: str,
        fixed: bool,
        folder: Path | None = None,
        store: Store | None = None,
    ) -> None:
        self.network = network
        self.clock = Clock(fixed=fixed)
        self.ids = Ids(seed)
        self.log = Log(self.clock)
        self.config: Config = config(network, stage, release)
        self.accounts = LabAccounts(network, seed)
        self.names = Names(network, lambda text: self.log.write("named", self.ids.pid(), text))
        self.disturbances = Disturbances(self.ids)
        self.store = store or Store(folder)
        self.anvil = Anvil()
        self.smtp_connections: Counter[tuple[str, str]] = Counter()
        """How many connections are open, by service and client's address: Postfix's anvil."""
        self.filter = Filter(self)
        self.queue = Queue(self)
        self.sieve_runs = SieveRuns()
        self.routes: dict[str, tuple[str, int]] = {}
        """Where an address of the network is really reached: "192.168.20.1" → ("127.0.0.1", 40123)."""

    def fault(self, name: str, *, on: bool) -> None:
        """Switch a fault on or off: the settings change at once, for connections made from now on."""
        faults = self.config.faults | {name} if on else self.config.faults - {name}
        self.config = config(self.network, self.config.stage, self.config.release, faults)
        self.accounts.weak = "F22" in faults
        self.names.dnsbl_lists_all = self.config.dnsbl_lists_all

    def state(self) -> dict[str, object]:
        """Everything that counts, by name, as plain values: what the fingerprint is made of."""
        return {
            "config": repr(self.config),
            "accounts": [(one.address, one.password) for one in self.accounts.listed()],
            "zones": (dict(self.names.zones), self.names.dnsbl_lists_all),
            "clock": self.clock.now() if self.clock.fixed else self.clock.offset,
            "ids": self.ids.state(),
            "queue": self.queue.state(),
            "mail": self.store.state(),
            "quarantine": self.filter.state(),
            "disturbances": self.disturbances.state(),
            "log": self.log.written,
        }
