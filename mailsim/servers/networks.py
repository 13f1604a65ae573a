"""IPv4 addresses, and the networks that hold them."""

from __future__ import annotations

import re
from functools import lru_cache

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")


def valid_ipv4(address: str) -> bool:
    """Four numbers up to 255; inet_protocols = ipv4 knows no others."""
    return bool(_IPV4.fullmatch(address))


@lru_cache(maxsize=1024)  # the same few clients are looked up at each command
def in_networks(address: str, networks: tuple[str, ...]) -> bool:
    """Whether a list of networks and addresses ("192.168.10.0/24", "127.0.0.1") has the address."""
    value = _number(address)
    return value >= 0 and any(value & mask == base for base, mask in _ranges(networks))


@lru_cache(maxsize=64)
def _ranges(networks: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    found = []
    for network in networks:
        base, _, bits = network.partition("/")
        mask = (0xFFFFFFFF << (32 - int(bits or 32))) & 0xFFFFFFFF
        if (value := _number(base)) >= 0:
            found.append((value & mask, mask))
    return tuple(found)


@lru_cache(maxsize=1024)
def _number(address: str) -> int:
    if not valid_ipv4(address):
        return -1
    return int.from_bytes(bytes(int(part) for part in address.split(".")), "big")
