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

import numpy as np

from structgen.kernels.jit import kernel

BLOCK = 256


@kernel
def sum_block(mass, block):
    """Sum of the masses of one block."""
    total = 0.0
    for token in range(block * BLOCK, min(mass.shape[0], (block + 1) * BLOCK)):
        total += mass[token]
    return total


@kernel
def total_mass(sums):
    """Sum of the block sums."""
    total = 0.0
    for block in range(sums.shape[0]):
        total += sums[block]
    return total


@kernel
def fill_all(mass, sums):
    """Sum every block; returns the total."""
    for block in range(sums.shape[0]):
        sums[block] = sum_block(mass, block)
    return total_mass(sums)


@kernel
def fill_masked(mass, words, sums):
    """Zero the tokens whose bit is not set in ``words`` (``ceil(V/32)`` uint32), sum every block; returns the total."""
    n_tokens = mass.shape[0]
    for word in range(words.shape[0]):
        bits = words[word]
        if bits == np.uint32(0xFFFFFFFF):
            continue
        first = word * 32
        for bit in range(min(32, n_tokens - first)):
            if not (bits >> np.uint32(bit)) & np.uint32(1):
                mass[first + bit] = 0.0
    return fill_all(mass, sums)


@kernel
def fill_sparse(scores, words, shift, mass, sums):
    """``exp(score - shift)`` for the set bits alone, zero elsewhere; for masks with few bits. Returns the total."""
    n_tokens = mass.shape[0]
    mass[:] = 0.0
    for word in range(words.shape[0]):
        bits = words[word]
        if bits == np.uint32(0):
            continue
        first = word * 32
        for bit in range(min(32, n_tokens - first)):
            if (bits >> np.uint32(bit)) & np.uint32(1):
                mass[first + bit] = np.exp(np.float64(scores[first + bit]) - shift)
    return fill_all(mass, sums)


@kernel
def count_bits(words, enough):
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
def draw(mass, sums, uniform):
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
def put(mass, sums, token, value):
    """Set one token's mass; returns the new total."""
    mass[token] = value
    block = token // BLOCK
    sums[block] = sum_block(mass, block)
    return total_mass(sums)


@kernel
def put_many(mass, sums, tokens, values):
    """Set several tokens' masses; returns the new total."""
    for index in range(tokens.shape[0]):
        mass[tokens[index]] = values[index]
    for index in range(tokens.shape[0]):
        block = tokens[index] // BLOCK
        sums[block] = sum_block(mass, block)
    return total_mass(sums)


@kernel
def take(mass, sums, uniform):
    """Draw one token and take it out: (token, its mass, the mass that is left)."""
    token = draw(mass, sums, uniform)
    if token < 0:
        return -1, 0.0, 0.0
    value = mass[token]
    return token, value, put(mass, sums, token, 0.0)
