"""Where the memory of big messages comes from."""

from __future__ import annotations

import sys
from typing import Final

_M_MMAP_THRESHOLD: Final = -3  # malloc.h
_BIG: Final = 1 << 18  # octets


def map_big_blocks() -> None:
    """Let blocks of more than 256 KB be mapped, each on its own, for as long as the process lives.

    glibc begins so, but once a big block was freed it takes all up to that size from the heap
    (mallopt(3), M_MMAP_THRESHOLD): there the copies of a few messages of ten megabytes leave holes
    that no later one fits into, and the process grows.  A threshold that was set stays.
    """
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - where it is needed alone

        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
        if mallopt is not None:
            mallopt(_M_MMAP_THRESHOLD, _BIG)
