"""What a stage of the thesis sets, and what lies between two of them."""

from __future__ import annotations

from dataclasses import fields

from mailsim.lab.network import network
from mailsim.lab.snapshot import Setting, Settings
from mailsim.model.stage import Release, Stage
from mailsim.servers.config import Config, config


def settings(stage: Stage, release: Release) -> Settings:
    """What is set at `stage`, apart from what the stage before it had: all of it at the first."""
    order = list(Stage)
    at = order.index(stage)
    made = config(network(), stage, release)
    if at == 0:
        return Settings(Setting(one, getattr(made, one)) for one in _names() if getattr(made, one))
    return _between(config(network(), order[at - 1], release), made)


def diff(first: Stage, second: Stage, release: Release) -> Settings:
    """What is set otherwise at `second` than at `first`."""
    return _between(config(network(), first, release), config(network(), second, release))


def _between(old: Config, new: Config) -> Settings:
    return Settings(
        Setting(name, getattr(new, name), getattr(old, name))
        for name in _names()
        if getattr(new, name) != getattr(old, name)
    )


def _names() -> list[str]:
    return [one.name for one in fields(Config) if one.name not in ("stage", "release", "faults")]
