"""A pool of tokens with masses: draw one, put one back smaller, take one out, in microseconds.

Every sampler here draws from "the tokens that are left": AWRS takes tokens out one by one
(Gumbel-top-k order is drawing without replacement), ASAp scales the visited ones by what
it has learnt. The pool is a float64 mass per token and the sum of every block of
``BLOCK`` tokens. A draw scans the block sums and then one block, a change sums its block
again, so both cost about ``V / BLOCK + BLOCK`` additions (0.3 us at V = 49k).

Sums are only ever added up from what is left, never subtracted: what remains is right to
rounding even where it is 1e-30 of the whole. Keeping ``1 - taken`` instead cancels, which
is what biases samplers that stop "near" mass 1.

Rejected: V Gumbel keys per token and a partial sort (2 ms at V = 128k); a Fenwick tree
(subtracts); an alias table (cannot take out).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from structgen.kernels.jit import kernel
from structgen.kernels.weights import exp_in_place

BLOCK = 256
FULL_WORD = np.uint32(0xFFFFFFFF)

Floats = npt.NDArray[np.float64]
Scores = npt.NDArray[np.floating]
Words = npt.NDArray[np.uint32]
Ids = npt.NDArray[np.int64]


@kernel
def sum_block(mass: Floats, block: int) -> float:
    """Sum of the masses of one block, in four chains so that additions do not wait for each other."""
    a = b = c = d = 0.0
    token = block * BLOCK
    stop = min(mass.shape[0], token + BLOCK)
    while token + 4 <= stop:
        a += mass[token]
        b += mass[token + 1]
        c += mass[token + 2]
        d += mass[token + 3]
        token += 4
    while token < stop:
        a += mass[token]
        token += 1
    return (a + b) + (c + d)


@kernel
def total_mass(sums: Floats) -> float:
    """Sum of the block sums."""
    total = 0.0
    for block in range(sums.shape[0]):
        total += sums[block]
    return total


@kernel
def fill_all(mass: Floats, sums: Floats) -> float:
    """Sum every block; returns the total."""
    for block in range(sums.shape[0]):
        sums[block] = sum_block(mass, block)
    return float(total_mass(sums))


@kernel
def fill_dense(scores: Scores, words: Words, mass: Floats, sums: Floats) -> float:
    """``exp(score)`` where the bit is set, zero elsewhere, and the block sums; returns the total.

    The exponential is the branch-free one of ``kernels.weights`` (0 below -708), which the
    compiler does eight lanes at a time: a third of NumPy's time with its cast to float64.
    """
    n_tokens = mass.shape[0]
    for word in range(words.shape[0]):
        bits = words[word]
        first = word * 32
        if bits == FULL_WORD and first + 32 <= n_tokens:
            for bit in range(32):
                mass[first + bit] = scores[first + bit]
        else:
            for bit in range(min(32, n_tokens - first)):
                is_set = (bits >> np.uint32(bit)) & np.uint32(1)
                mass[first + bit] = np.float64(scores[first + bit]) if is_set != 0 else -math.inf
    exp_in_place(mass, n_tokens, 0.0, 1.0)
    return float(fill_all(mass, sums))


@kernel
def fill_sparse(scores: Scores, words: Words, mass: Floats, sums: Floats) -> float:
    """``exp(score)`` for the set bits alone, zero elsewhere; for masks with few bits. Returns the total."""
    n_tokens = mass.shape[0]
    mass[:] = 0.0
    for word in range(words.shape[0]):
        bits = words[word]
        if bits == np.uint32(0):
            continue
        first = word * 32
        for bit in range(min(32, n_tokens - first)):
            if (bits >> np.uint32(bit)) & np.uint32(1):
                mass[first + bit] = np.exp(np.float64(scores[first + bit]))
    return float(fill_all(mass, sums))


@kernel
def count_bits(words: Words, enough: int) -> int:
    """Set bits in ``words``, counting no further than ``enough``."""
    count = 0
    for word in range(words.shape[0]):
        bits = words[word]
        while bits:
            bits &= bits - np.uint32(1)
            count += 1
        if count >= enough:
            return count
    return count


@kernel
def draw(mass: Floats, sums: Floats, uniform: float) -> int:
    """The token at ``uniform`` (in [0, 1)) of the cumulative mass; -1 for an empty pool.

    Rounding can carry the scan past the last token that has mass; then that one is drawn.
    """
    left = uniform * total_mass(sums)
    chosen = -1
    for block in range(sums.shape[0]):
        if sums[block] > 0.0:
            chosen = block
            if left < sums[block]:
                break
            left -= sums[block]
    if chosen < 0:
        return -1
    last = -1
    for token in range(chosen * BLOCK, min(mass.shape[0], (chosen + 1) * BLOCK)):
        if mass[token] > 0.0:
            last = token
            if left < mass[token]:
                return token
            left -= mass[token]
    return last


@kernel
def put(mass: Floats, sums: Floats, token: int, value: float) -> float:
    """Set one token's mass; returns the new total."""
    mass[token] = value
    block = token // BLOCK
    sums[block] = sum_block(mass, block)
    return float(total_mass(sums))


@kernel
def put_many(mass: Floats, sums: Floats, tokens: Ids, values: Floats) -> float:
    """Set several tokens' masses; returns the new total."""
    for index in range(tokens.shape[0]):
        mass[tokens[index]] = values[index]
    for index in range(tokens.shape[0]):
        block = tokens[index] // BLOCK
        sums[block] = sum_block(mass, block)
    return float(total_mass(sums))


@kernel
def take(mass: Floats, sums: Floats, uniform: float) -> tuple[int, float, float]:
    """Draw one token and take it out: (token, its mass, the mass that is left)."""
    token = draw(mass, sums, uniform)
    if token < 0:
        return -1, 0.0, 0.0
    value = mass[token]
    return token, value, put(mass, sums, token, 0.0)
