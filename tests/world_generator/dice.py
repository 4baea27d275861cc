"""Streams of random numbers, one for each purpose.

A purpose has its own stream, so that a parameter which uses up more numbers in one place
changes nothing in another: two worlds that differ in their errors have the same trade.
"""

from __future__ import annotations

import zlib

import numpy as np


def dice(seed: int, purpose: str, *keys: int) -> np.random.Generator:
    """The stream of a purpose; `keys` tell its parts (a year, an exporter) apart."""
    entropy = [seed, zlib.crc32(purpose.encode()), *keys]
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(entropy)))
