"""The lab's network, read from network.json once."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

from mailsim.model.network import Network, network_of


@cache
def network() -> Network:
    """Who exists in the lab: hosts, domains, accounts, zones."""
    text = files("mailsim").joinpath("lab", "network.json").read_text(encoding="utf-8")
    return network_of(json.loads(text))
