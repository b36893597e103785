"""Where tokens land: many tokens read from one configuration, gathered by the configuration after them.

Masks within a budget ask of every token how far the document's end is after it. Most tokens of a mask land in a few
configurations (four hundred runs of blanks in one), so they are read here and gathered. In the order
of their bytes a token is read from where it parts with the one before it: most take a step or two.

Cells that a token pushes are scratch, overwritten by the next one; so a landing carries its
topmost cells with it, up to ``MOST_PUSHED`` of them.

And which landings a given text ends: most of what is open ends alike.
"""

from __future__ import annotations

import numpy as np

from structgen.kernels.document import opens_kept, run, step
from structgen.kernels.document_registers import (
    CONFIG_WIDTH,
    DIES,
    F_KIND,
    GOES,
    M_END,
    M_NUMBER,
    R_A,
    R_CELL,
    R_FRAME,
    R_FREE,
    R_KEPT,
    R_MODE,
    TOP,
    WIDTH,
)
from structgen.kernels.jit import inlined, uncounted

__all__ = ["ASK", "DIED", "ENDS", "LANDING_WIDTH", "MOST_PUSHED", "N_PUSHED", "end_with", "land"]

MOST_PUSHED = 4
N_PUSHED = CONFIG_WIDTH
"""Column of a landing: how many cells were pushed; frame and register of each follow, the topmost first."""
LANDING_WIDTH = CONFIG_WIDTH + 1 + 2 * MOST_PUSHED
DIED, ASK = -1, -2
"""Instead of a landing: the token cannot be read; it must be read by the automaton, which knows more."""
ENDS = 1


@inlined
def _describe(regs, cells, n_cells, landing):
    """Write the configuration of ``regs`` into ``landing``; False where too many cells were pushed."""
    for i in range(landing.shape[0]):
        landing[i] = regs[i] if i < CONFIG_WIDTH else 0
    cell = regs[R_CELL]
    n = 0
    while cell >= n_cells and n < MOST_PUSHED:
        landing[N_PUSHED + 1 + 2 * n] = cells[cell, 0]
        landing[N_PUSHED + 2 + 2 * n] = cells[cell, 1]
        cell = cells[cell, 2]
        n += 1
    landing[R_CELL] = cell
    landing[N_PUSHED] = n
    return cell < n_cells


@inlined
def _gathered(landings, n, slots):
    """The number of the landing that equals row ``n``; ``n`` itself where it is new."""
    mixed = np.uint64(0)
    for i in range(LANDING_WIDTH):
        mixed = (mixed ^ np.uint64(landings[n, i])) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    last = slots.shape[0] - 1
    slot = np.int64(mixed & np.uint64(last))
    while slots[slot] >= 0:
        other = slots[slot]
        same = True
        for i in range(LANDING_WIDTH):
            if landings[other, i] != landings[n, i]:
                same = False
                break
        if same:
            return np.int64(other)
        slot = (slot + 1) & last
    slots[slot] = n
    return np.int64(n)


@uncounted
def land(
    ids, data, offsets, rows, landings, landed_at, slots,
    trans, content, class_maps, reach, numbers, number_label, specs, lit_start, lit_bytes, lit_label, values, frames, children, available,
    keys, results, cells, n_cells, max_space, miss,
):  # fmt: skip
    """Read each token from the configuration in ``rows[0]``; return how many landings there are.

    ``ids`` (n,) are in the order of their bytes, ``data[offsets[id] : offsets[id + 1]]``. ``rows`` has a row per byte
    of the longest token and one more. ``landed_at`` (n,) receives the row in ``landings`` (n, ``LANDING_WIDTH``), or
    ``DIED`` or ``ASK``. ``slots``, -1 throughout, is scratch, a power of two and longer than n.
    """
    n_landings = np.int64(0)
    behind = np.int64(0)  # the bytes before that rows are right for
    stuck = np.int64(GOES)  # what the byte behind them did
    failed_at = np.int64(-1)
    before = np.int64(0)
    for index in range(ids.shape[0]):
        start = offsets[ids[index]]
        length = offsets[ids[index] + 1] - start
        shared = np.int64(0)
        most = min(behind + (1 if failed_at >= 0 else 0), length)
        while shared < most and data[start + shared] == data[before + shared]:
            shared += 1
        before = start
        if failed_at < 0 or shared <= failed_at:
            failed_at = np.int64(-1)
            behind = shared
            while behind < length:
                regs = rows[behind + 1]
                for i in range(WIDTH):
                    regs[i] = rows[behind, i]
                stuck = step(
                    regs, np.int64(data[start + behind]), trans, content, class_maps, reach, numbers, number_label,
                    specs, lit_start, lit_bytes, lit_label, values, frames, children, available, keys, results, cells,
                    n_cells, max_space, miss,
                )  # fmt: skip
                if (
                    stuck == GOES
                    and regs[R_KEPT] == 1
                    and opens_kept(regs, rows[behind], numbers, specs, values, frames)
                ):
                    stuck = np.int64(ASK)
                if stuck != GOES:
                    failed_at = behind
                    break
                behind += 1
        if failed_at >= 0:
            landed_at[index] = DIED if stuck == DIES else ASK
        elif not _describe(rows[length], cells, n_cells, landings[n_landings]):
            landed_at[index] = ASK
        else:
            found = _gathered(landings, n_landings, slots)
            landed_at[index] = found
            if found == n_landings:
                n_landings += 1
    return n_landings


@uncounted
def end_with(
    configs, text, regs, before, found,
    trans, content, class_maps, reach, numbers, number_label, specs, lit_start, lit_bytes, lit_label, values, frames, children, available,
    keys, results, cells, n_cells, max_space, miss,
):  # fmt: skip
    """Read ``text`` from each row of ``configs`` (n, ``CONFIG_WIDTH``): ``found`` (n,) receives ENDS, DIED or ASK.

    ENDS: the document is complete after it. ``regs`` and ``before``, (``WIDTH``,), are scratch.
    """
    for index in range(configs.shape[0]):
        for i in range(WIDTH):
            regs[i] = configs[index, i] if i < CONFIG_WIDTH else 0
        regs[R_FREE] = n_cells
        regs[R_KEPT] = 1
        status, _ = run(
            regs, before, text, 0, trans, content, class_maps, reach, numbers, number_label, specs, lit_start,
            lit_bytes, lit_label, values, frames, children, available, keys, results, cells, n_cells, max_space, miss,
        )  # fmt: skip
        found[index] = DIED if status == DIES else ASK
        if status == GOES:
            is_number = regs[R_MODE] == M_NUMBER and frames[regs[R_FRAME], F_KIND] == TOP
            ends = regs[R_MODE] == M_END or (is_number and number_label[regs[R_A]] != 0)
            found[index] = ENDS if ends else DIED
