"""The accounts' passwords: the network's own, or made from the seed."""

from __future__ import annotations

import hashlib

from mailsim.model.network import Account, Network
from mailsim.sasl import Accounts, Salting
from mailsim.secret import Secret

# Neither 0 and O nor 1 and l: students copy them by hand.
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
_LENGTH = 10
_WEAK = "minfo"


class LabAccounts:
    """Who may log in at minfo.sn, as `mailsim.sasl` asks for it; by local part or full address."""

    def __init__(self, network: Network, seed: str) -> None:
        self._network = network
        self._seed = seed
        self.weak = False
        """Fault F22: every password is the thesis's own."""
        self._pepper = Accounts(pepper=Secret(hashlib.sha256(f"{seed}/pepper".encode()).digest()))

    def login(self, user: str) -> str:
        """The login that `user` means, in lower case and without the lab's domain."""
        name = user.lower()
        return name.removesuffix(f"@{self._network.domain}")

    def listed(self) -> tuple[Account, ...]:
        """All accounts with their passwords."""
        return tuple(
            Account(one.user, one.domain, self._password(one)) for one in self._network.accounts
        )

    def get(self, user: str) -> Secret | None:
        """The password of `user`, or None if there is no such user."""
        login = self.login(user)
        for account in self._network.accounts:
            if account.domain == self._network.domain and account.user == login:
                return Secret(self._password(account))
        return None

    def uid(self, user: str) -> int:
        """The user id on the server: adduser's, from 1000 on; 0 for who is no user there."""
        users = self._network.users()
        return 1000 + users.index(user) if user in users else 0

    def owner(self, token: Secret) -> str | None:
        """Nobody: the lab gives out no bearer tokens."""
        del token
        return None

    def salting(self, user: str, mechanism: str) -> Salting:
        """Salt and iteration count for any name, known or not."""
        return self._pepper.salting(self.login(user), mechanism)

    def authorizes(self, user: str, authzid: str) -> bool:
        """A user may act as itself."""
        return self.login(user) == self.login(authzid)

    def _password(self, account: Account) -> str:
        if self.weak:
            return _WEAK
        if account.password:
            return account.password
        digest = hashlib.sha256(f"{self._seed}/password/{account.address}".encode()).digest()
        return "".join(_LETTERS[octet % len(_LETTERS)] for octet in digest[:_LENGTH])
