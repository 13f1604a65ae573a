"""Pigeonhole as the lab has it set up: for delivery, and for the scripts that ManageSieve takes."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from mailsim.protocol.sieve import ALL, Limits, Scanner, Script, Settings, compile_script

if TYPE_CHECKING:
    from mailsim.protocol.sieve import Includes, Refused
    from mailsim.servers.world import World

# sieve_spamtest_status_header: Amavis writes X-Spam-Score (SPA10); 10 of 10 is its kill level.
_SPAM: Final = Scanner("score", r"X-Spam-Score: *(-?[[:digit:]]+(\.[[:digit:]]+)?)", max_value=6.0)
_SETTINGS: Final = Settings(
    extensions=ALL,  # sieve_extensions = +… : a lab shows all that there is
    limits=Limits(trace=500),
    spamtest=_SPAM,
    # sieve_vacation_min_period: a class cannot wait for a day.
    vacation_min_period=0,
)


@lru_cache
def _settings(domain: str) -> Settings:
    return replace(_SETTINGS, postmaster=f"postmaster@{domain}")


def settings(world: World) -> Settings:
    """The site's settings."""
    return _settings(world.config.mydomain)


def compiled(world: World, user: str, name: str, text: bytes) -> Script | Refused:
    """A script ready to run, or what is wrong with it; each text is compiled once.

    What a user's script includes is the user's own, for there are no global scripts to include.
    """
    chosen = settings(world)
    if b"include" in text:
        return compile_script(text, name=name, includes=_scripts(world, user), settings=chosen)
    return _compiled(text, name, chosen.postmaster)


@lru_cache(maxsize=100)
def _compiled(text: bytes, name: str, postmaster: str) -> Script | Refused:
    return compile_script(text, name=name, settings=replace(_SETTINGS, postmaster=postmaster))


def _scripts(world: World, user: str) -> Includes:
    def script(name: str, shared: bool) -> bytes | None:  # noqa: FBT001 - Includes' form
        return None if shared else world.store.script(user, name)

    return script
