"""Pigeonhole as the lab has it set up: for delivery, and for the scripts that ManageSieve takes."""

from __future__ import annotations

from collections import OrderedDict
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias

from mailsim.protocol.sieve import BY_DEFAULT, Limits, Scanner, Script, Settings, compile_script

if TYPE_CHECKING:
    from mailsim.protocol.sieve import Includes, Refused
    from mailsim.servers.config import Config
    from mailsim.servers.world import World

# sieve_spamtest_status_header: Amavis writes X-Spam-Score (SPA10); 10 of 10 is its kill level.
_SPAM: Final = Scanner("score", r"X-Spam-Score: (-?[[:digit:]]+(\.[[:digit:]]+)?)", max_value=6.0)
# What the base has may be required too (RFC 5228 §2.7.3), and is not announced.
_SILENT: Final = frozenset({"comparator-i;octet", "comparator-i;ascii-casemap"})
# So much is kept compiled: scripts, and octets of them.
_SCRIPTS: Final = 100
_OCTETS: Final = 256 * 1024


def extensions(config: Config) -> tuple[str, ...]:
    """What `require` takes, in the order in which ManageSieve announces it."""
    return (*BY_DEFAULT, *config.sieve_extensions)


def settings(world: World) -> Settings:
    """The site's settings."""
    return _settings(_site(world.config))


_Site: TypeAlias = tuple[tuple[str, ...], int, str]


def _site(config: Config) -> _Site:
    return extensions(config), config.sieve_max_script_size, config.mydomain


@lru_cache
def _settings(site: _Site) -> Settings:
    names, script_size, domain = site
    return Settings(
        extensions=_SILENT | frozenset(names),
        # A run holds all the lab meanwhile: half a second at most, where Pigeonhole allows thirty.
        limits=Limits(
            trace=500,
            script_size=script_size or Limits().script_size,
            steps=50_000,
            work=400_000_000,
        ),
        spamtest=_SPAM,
        chained=True,
        # sieve_vacation_min_period: a class cannot wait for a day.
        vacation_min_period=0,
        postmaster=f"postmaster@{domain}",
    )


def compiled(
    world: World, user: str, name: str, text: bytes, *, upload: bool = False
) -> Script | Refused:
    """A script ready to run, or what is wrong with it; each is compiled once,
    as far as memory goes.

    What a user's script includes is the user's own, for there are no global scripts to
    include.  `upload`: it is only being stored, and what it includes may be missing
    (RFC 6609 §3.1).
    """
    if b"include" not in text:
        return _compiled.get(text, name, _site(world.config))
    included = _scripts(world, user)
    chosen = settings(world)
    return compile_script(text, name=name, includes=included, settings=chosen, upload=upload)


class _Kept:
    """The scripts that were asked for last, compiled; big ones are compiled anew each time, for
    what is made of them is bigger still."""

    def __init__(self) -> None:
        self._made: OrderedDict[tuple[bytes, str, _Site], Script | Refused] = OrderedDict()
        self._octets = 0

    def get(self, text: bytes, name: str, site: _Site) -> Script | Refused:
        """The script with these settings."""
        key = (text, name, site)
        made = self._made.pop(key, None)
        if made is None:
            made = compile_script(text, name=name, settings=_settings(site))
            if len(text) > _OCTETS:
                return made
            self._octets += len(text)
        self._made[key] = made
        while self._octets > _OCTETS or len(self._made) > _SCRIPTS:
            (oldest, _, _), _ = self._made.popitem(last=False)
            self._octets -= len(oldest)
        return made


_compiled = _Kept()


def _scripts(world: World, user: str) -> Includes:
    def script(name: str, shared: bool) -> bytes | None:  # noqa: FBT001 - Includes' form
        return None if shared else world.store.script(user, name)

    return script
