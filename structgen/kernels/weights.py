"""Softmax over a packed mask, and one draw from it: the arithmetic of a decoding step.

A step of masked decoding asks three things of ``V`` log-probabilities and a packed mask:
the mass ``m`` of the allowed tokens, one token drawn in proportion among them, and that
token's log-probability. Unpacking the mask to bools and going through NumPy costs about a
millisecond at V = 49,152; here it is two or three passes over memory.

- **Gather.** Narrow masks are compacted to (id, score) pairs, skipping empty words. Wide
  ones (the inside of a JSON string allows nearly everything) are copied in place with
  ``-inf`` for the forbidden tokens, which the compiler can do eight lanes at a time.
- **Exponentials.** Numba without Intel's SVML calls libm once per element (364 us for
  49,152 here). A degree-12 Taylor polynomial after the usual reduction by multiples of log 2
  is branch-free, so LLVM vectorises it: 52 us, within 1 ulp. ``exp(x)`` is 0 below -708.
- **Draw.** Inverse transform of one uniform: sums of blocks first, then a walk in the block.
- **Truncation.** top-k, top-p and min-p keep prefixes of the order (weight descending, id
  ascending); a bounded heap yields that prefix without sorting the vocabulary.

Rejected: the Gumbel-max trick (V uniforms per token, and the mass needs the exponentials
anyhow); float32 accumulation (the weights of 300 tokens multiply up).

The only relaxation of IEEE rules used is ``contract`` (fused multiply-add), which is
harmless to infinities and NaN. Kernels check nothing: see ``structgen.samplers.draw``.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from structgen.kernels.jit import contracted, kernel

__all__ = ["BLOCK", "DRAWN", "NOT_A_NUMBER", "NO_MASS", "draw_rows", "exp_in_place", "log_sum_exp_scaled"]

BLOCK = 64
"""Elements summed together before the walk that finds the drawn one."""

N_BUCKETS = 1024
"""Quarter octaves of weight, in which the nucleus of top-p is bracketed."""

DRAWN, NO_MASS, NOT_A_NUMBER = 0, 1, 2
"""Status of a row: a token was drawn; every allowed token has probability 0 (the first
allowed id is returned, -1 for an empty mask); a score is NaN or +inf."""

FULL_WORD = np.uint32(0xFFFFFFFF)
LOG2E = 1.4426950408889634
LN2_HIGH = 0.6931471803691238
LN2_LOW = 1.9082149292705877e-10
ROUNDER = 6755399441055744.0  # 1.5 * 2**52: adding it rounds to an integer held in the low bits
LOWEST = -708.0  # exp below this is subnormal; taken as 0

Floats = npt.NDArray[np.float64]
Scores = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int32]
Words = npt.NDArray[np.uint32]


@contracted
def exp_in_place(values: Floats, n: int, shift: float, scale: float) -> None:
    """``values[i] = exp((values[i] - shift) * scale)`` for ``i < n``; arguments must not exceed 709."""
    for i in range(n):
        x = (values[i] - shift) * scale
        c = max(x, LOWEST)
        t = c * LOG2E + ROUNDER
        k = t - ROUNDER
        r = c - k * LN2_HIGH
        r = r - k * LN2_LOW
        p = 1.0 / 479001600.0
        p = p * r + 1.0 / 39916800.0
        p = p * r + 1.0 / 3628800.0
        p = p * r + 1.0 / 362880.0
        p = p * r + 1.0 / 40320.0
        p = p * r + 1.0 / 5040.0
        p = p * r + 1.0 / 720.0
        p = p * r + 1.0 / 120.0
        p = p * r + 1.0 / 24.0
        p = p * r + 1.0 / 6.0
        p = p * r + 0.5
        p = p * r + 1.0
        p = p * r + 1.0
        # 2**k enters through the exponent bits; ROUNDER left k in t's low bits.
        bits = np.float64(p).view(np.int64) + (np.float64(t).view(np.int64) << np.int64(52))
        y = np.int64(bits).view(np.float64)
        # NaN fails both comparisons and stays NaN.
        values[i] = y if x > LOWEST else (0.0 if x <= LOWEST else x)


@kernel
def _sum(values: Floats, start: int, stop: int) -> float:
    """Sum in four interleaved chains: more accurate than one, and not bound by latency."""
    a = 0.0
    b = 0.0
    c = 0.0
    d = 0.0
    i = start
    while i + 4 <= stop:
        a += values[i]
        b += values[i + 1]
        c += values[i + 2]
        d += values[i + 3]
        i += 4
    while i < stop:
        a += values[i]
        i += 1
    return (a + b) + (c + d)


@kernel
def _max(values: Floats, n: int) -> float:
    """Largest of ``n`` values; ``-inf`` for none. NaN is skipped: the sum finds it later."""
    a = -math.inf
    b = -math.inf
    c = -math.inf
    d = -math.inf
    i = 0
    while i + 4 <= n:
        a = values[i] if values[i] > a else a
        b = values[i + 1] if values[i + 1] > b else b
        c = values[i + 2] if values[i + 2] > c else c
        d = values[i + 3] if values[i + 3] > d else d
        i += 4
    while i < n:
        a = values[i] if values[i] > a else a
        i += 1
    return max(max(a, b), max(c, d))


@kernel
def log_sum_exp_scaled(scores: Scores, scale: float, work: Floats) -> float:
    """``log sum exp(scale * scores)`` over one row; ``work`` has at least V elements and is overwritten."""
    n = scores.size
    for i in range(n):
        work[i] = scores[i]
    top = _max(work, n)
    if top == -math.inf:
        return -math.inf
    exp_in_place(work, n, top, scale)
    return float(top * scale + math.log(_sum(work, 0, n)))


@kernel
def _count_allowed(mask: Words) -> int:
    n = 0
    for w in range(mask.size):
        word = int(mask[w])
        word = word - ((word >> 1) & 0x55555555)
        word = (word & 0x33333333) + ((word >> 2) & 0x33333333)
        word = (word + (word >> 4)) & 0x0F0F0F0F
        n += ((word * 0x01010101) & 0xFFFFFFFF) >> 24
    return n


@kernel
def _gather_dense(scores: Scores, mask: Words, values: Floats) -> int:
    """Scores of all tokens, ``-inf`` where forbidden; returns V."""
    n = scores.size
    for w in range(n >> 5):
        word = mask[w]
        base = w << 5
        if word == FULL_WORD:
            for b in range(32):
                values[base + b] = scores[base + b]
        else:
            for b in range(32):
                bit = (word >> np.uint32(b)) & np.uint32(1)
                values[base + b] = np.float64(scores[base + b]) if bit != 0 else -math.inf
    for t in range((n >> 5) << 5, n):
        bit = (mask[t >> 5] >> np.uint32(t & 31)) & np.uint32(1)
        values[t] = np.float64(scores[t]) if bit != 0 else -math.inf
    return n


@kernel
def _gather_sparse(scores: Scores, mask: Words, ids: Ids, values: Floats) -> int:
    """Ids and scores of the allowed tokens, ascending; returns how many."""
    n = 0
    n_tokens = scores.size
    for w in range(mask.size):
        word = mask[w]
        if word == 0:
            continue
        base = w << 5
        for b in range(min(32, n_tokens - base)):
            if (word >> np.uint32(b)) & np.uint32(1):
                ids[n] = base + b
                values[n] = scores[base + b]
                n += 1
    return n


@kernel
def _pick(values: Floats, n: int, total: float, uniform: float) -> int:
    """The index where the running sum first exceeds ``uniform * total``; it has positive weight."""
    goal = uniform * total
    reached = 0.0
    start = 0
    while start + BLOCK < n:
        block = _sum(values, start, start + BLOCK)
        if reached + block > goal:
            break
        reached += block
        start += BLOCK
    for i in range(start, n):
        reached += values[i]
        if reached > goal and values[i] > 0.0:
            return i
    # Rounding left the sum at or below the goal: the last token with weight is the one meant.
    for i in range(n - 1, -1, -1):
        if values[i] > 0.0:
            return i
    return -1


@kernel
def _is_lower(weights: Floats, ids: Ids, i: int, j: int) -> bool:
    """Whether entry ``i`` comes after entry ``j`` in (weight descending, id ascending)."""
    return bool(weights[i] < weights[j] or (weights[i] == weights[j] and ids[i] > ids[j]))


@kernel
def _sift_down(weights: Floats, ids: Ids, start: int, n: int) -> None:
    i = start
    while True:
        child = 2 * i + 1
        if child >= n:
            return
        if child + 1 < n and _is_lower(weights, ids, child + 1, child):
            child += 1
        if not _is_lower(weights, ids, child, i):
            return
        weights[i], weights[child] = weights[child], weights[i]
        ids[i], ids[child] = ids[child], ids[i]
        i = child


@kernel
def _largest(values: Floats, ids: Ids, dense: bool, n: int, k: int, cut: float, heap: Floats, heap_ids: Ids) -> int:
    """The up to ``k`` largest positive values that are at least ``cut``, sorted; returns how many.

    ``heap`` is a heap whose root is the entry to be dropped first.
    """
    size = 0
    for i in range(n):
        value = values[i]
        if value < cut or value <= 0.0:
            continue
        token = np.int32(i) if dense else ids[i]
        if size < k:
            heap[size] = value
            heap_ids[size] = token
            size += 1
            if size == k:
                for j in range(k // 2 - 1, -1, -1):
                    _sift_down(heap, heap_ids, j, k)
        elif value > heap[0] or (value == heap[0] and token < heap_ids[0]):
            heap[0] = value
            heap_ids[0] = token
            _sift_down(heap, heap_ids, 0, k)
    if size < k:
        for j in range(size // 2 - 1, -1, -1):
            _sift_down(heap, heap_ids, j, size)
    for last in range(size - 1, 0, -1):
        heap[0], heap[last] = heap[last], heap[0]
        heap_ids[0], heap_ids[last] = heap_ids[last], heap_ids[0]
        _sift_down(heap, heap_ids, 0, last)
    return size


@kernel
def _kept(heap: Floats, size: int, total: float, top_p: float, min_p: float) -> int:
    """How many of the sorted entries survive top-p (of ``total``) and min-p; at least one."""
    kept = 0
    reached = 0.0
    for i in range(size):
        if kept > 0 and (reached >= top_p * total or heap[i] < min_p * heap[0]):
            break
        reached += heap[i]
        kept += 1
    return kept


@kernel
def _nucleus_cut(values: Floats, n: int, goal: float, sums: Floats) -> float:
    """A weight such that the values at or above it sum to at least ``goal``, and few others are.

    One pass into quarter-octave buckets, by the top bits of each float; values are at most
    1. ``sums`` is scratch of at least ``N_BUCKETS``. Without it a flat distribution put
    tens of thousands of candidates through the heap: 7 ms at V = 49,152.
    """
    sums[:N_BUCKETS] = 0.0
    for i in range(n):
        value = values[i]
        if value > 0.0:
            below = 4092 - int(np.float64(value).view(np.int64) >> np.int64(50))
            sums[below if below < N_BUCKETS else N_BUCKETS - 1] += value
    reached = 0.0
    for bucket in range(N_BUCKETS - 1):
        reached += sums[bucket]
        if reached >= goal:
            return float(np.int64((4092 - bucket) << 50).view(np.float64))
    return 0.0


@kernel
def _draw_truncated(
    values: Floats,
    ids: Ids,
    dense: bool,
    n: int,
    total: float,
    top_k: int,
    top_p: float,
    min_p: float,
    uniform: float,
    heap: Floats,
    heap_ids: Ids,
) -> int:
    """Draw a token id among what top-k, then top-p, then min-p leave of the weights."""
    if 0 < top_k < n:
        size = _largest(values, ids, dense, n, top_k, 0.0, heap, heap_ids)
        total = _sum(heap, 0, size)
    else:
        # Tokens below (1 - p) total / n hold at most 1 - p of the mass, so the nucleus is above;
        # the factor leaves room for rounding.
        cut = max(min_p * _max(values, n), (1.0 - top_p) * total / n * 0.999)
        if top_p < 1.0 and n >= N_BUCKETS:
            cut = max(cut, _nucleus_cut(values, n, top_p * total * (1.0 + 1e-9), heap))
        size = _largest(values, ids, dense, n, n, cut, heap, heap_ids)
    kept = _kept(heap, size, total, top_p, min_p)
    return int(heap_ids[_pick(heap, kept, _sum(heap, 0, kept), uniform)])


@kernel
def _draw_row(
    scores: Scores,
    mask: Words,
    temperature: float,
    top_k: int,
    top_p: float,
    min_p: float,
    uniform: float,
    ids: Ids,
    values: Floats,
    heap: Floats,
    heap_ids: Ids,
) -> tuple[int, int, float]:
    """Status, token id, log mass; see ``draw_rows``."""
    allowed = _count_allowed(mask)
    dense = allowed * 4 > scores.size
    n = _gather_dense(scores, mask, values) if dense else _gather_sparse(scores, mask, ids, values)
    top = _max(values, n)
    if top == -math.inf:
        for i in range(n):
            if values[i] != values[i]:
                return NOT_A_NUMBER, -1, math.nan
        n = _gather_sparse(scores, mask, ids, values)
        return NO_MASS, (ids[0] if n > 0 else -1), -math.inf
    if top == math.inf:
        return NOT_A_NUMBER, -1, math.nan
    best = -1
    if temperature == 0.0:
        for i in range(n):
            if values[i] == top:
                best = i
                break
    scale = 1.0 if temperature == 0.0 else 1.0 / temperature
    exp_in_place(values, n, top, scale)
    total = _sum(values, 0, n)
    if not (total > 0.0 and total < math.inf):
        return NOT_A_NUMBER, -1, math.nan
    if best >= 0:
        token = best if dense else ids[best]
    elif top_k > 0 or top_p < 1.0 or min_p > 0.0:
        token = _draw_truncated(values, ids, dense, n, total, top_k, top_p, min_p, uniform, heap, heap_ids)
    else:
        i = _pick(values, n, total, uniform)
        token = i if dense else ids[i]
    if allowed >= scores.size:
        return DRAWN, token, 0.0  # everything is allowed: exactly 1, whatever float32 lost in normalising
    log_mass = top * scale + math.log(total)
    if scale != 1.0:
        log_mass -= log_sum_exp_scaled(scores, scale, values)
    return DRAWN, token, min(log_mass, 0.0)


@kernel
def draw_rows(
    scores: Scores,
    masks: Words,
    temperature: float,
    top_k: int,
    top_p: float,
    min_p: float,
    uniforms: Floats,
    ids: Ids,
    values: Floats,
    heap: Floats,
    heap_ids: Ids,
    status: Ids,
    tokens: Ids,
    log_masses: Floats,
) -> None:
    """Draw one allowed token per row.

    ``scores`` (B, V) float32 are normalised log-probabilities, ``masks`` (B, ceil(V/32))
    packed words with no bit at or beyond V, ``uniforms`` (B,) in [0, 1). Scratch ``ids``,
    ``values``, ``heap``, ``heap_ids`` hold at least V elements each. Written: ``status``,
    ``tokens`` and ``log_masses`` (B,), the last being the log of the mass that the model at
    this temperature (at 1 for temperature 0) gives to the allowed tokens, at most 0.
    """
    for row in range(scores.shape[0]):
        code, token, log_mass = _draw_row(
            scores[row],
            masks[row],
            temperature,
            top_k,
            top_p,
            min_p,
            uniforms[row],
            ids,
            values,
            heap,
            heap_ids,
        )
        status[row] = code
        tokens[row] = token
        log_masses[row] = log_mass
