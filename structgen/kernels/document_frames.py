"""Frames of ``kernels.document``: what an ended value or name does to the container it stands in.

Plain frames count; general ones ask a hash table of events, (frame, verdict) to the frame after it.
"""

from __future__ import annotations

import numpy as np

from structgen.kernels.document_registers import (
    DIES,
    F_AVAILABLE,
    F_CHILDREN,
    F_HIGH,
    F_KIND,
    F_MAY_GO_ON,
    F_NEXT,
    GOES,
    KEEPING_ARRAY,
    M_AFTER,
    M_COLON,
    M_END,
    MISSING,
    NEED_CHILD,
    NEED_EVENT,
    PLAIN_ARRAY,
    PLAIN_OBJECT,
    R_A,
    R_B,
    R_C,
    R_COUNT,
    R_FRAME,
    R_KEPT,
    R_MODE,
    R_VALUE,
    TOP,
    UNDECIDED,
)
from structgen.kernels.jit import inlined, uncounted


@inlined
def _find_event(keys, results, frame, event):
    """Slot of (frame, event), or -1."""
    key = (frame << 24) | event
    mask = keys.shape[0] - 1
    slot = ((key * 0x9E3779B1) >> 7) & mask
    while keys[slot] != -1:
        if keys[slot] == key:
            return slot
        slot = (slot + 1) & mask
    return -1


@uncounted
def insert_event(keys, results, frame, event, first, second):
    """Add (frame, event) → (first, second); the caller keeps the table at most half full."""
    key = (frame << 24) | event
    mask = keys.shape[0] - 1
    slot = ((key * 0x9E3779B1) >> 7) & mask
    while keys[slot] != -1 and keys[slot] != key:
        slot = (slot + 1) & mask
    keys[slot] = key
    results[slot, 0] = first
    results[slot, 1] = second


@uncounted
def move_events(keys, results, new_keys, new_results):
    """Copy all events into a larger table."""
    mask = new_keys.shape[0] - 1
    for old in range(keys.shape[0]):
        key = keys[old]
        if key != -1:
            slot = ((key * 0x9E3779B1) >> 7) & mask
            while new_keys[slot] != -1:
                slot = (slot + 1) & mask
            new_keys[slot] = key
            new_results[slot, 0] = results[old, 0]
            new_results[slot, 1] = results[old, 1]


@uncounted
def value_done(regs, label, frames, keys, results, miss):
    """A value has ended with verdict ``label``: step the frame that held it."""
    frame = regs[R_FRAME]
    kind = frames[frame, F_KIND]
    regs[R_A] = 0
    regs[R_B] = 0
    regs[R_C] = 0
    regs[R_VALUE] = 0
    if kind == PLAIN_OBJECT:
        regs[R_MODE] = M_AFTER
        return GOES
    if kind == PLAIN_ARRAY:
        regs[R_MODE] = M_AFTER
        # The count saturates where no bound or prefix position can tell it from more.
        if regs[R_COUNT] < frames[frame, F_AVAILABLE]:
            regs[R_COUNT] += 1
        return GOES
    if kind == TOP:
        regs[R_MODE] = M_END
        return GOES
    if kind == KEEPING_ARRAY:
        if regs[R_KEPT] >= 1:
            return UNDECIDED
        regs[R_KEPT] += 1
    slot = _find_event(keys, results, frame, label)
    if slot < 0:
        miss[0] = NEED_EVENT
        miss[1] = frame
        miss[2] = label
        return MISSING
    if results[slot, 0] == 0:
        return DIES
    regs[R_FRAME] = results[slot, 0]
    regs[R_MODE] = M_AFTER
    return GOES


@uncounted
def key_done(regs, label, frames, children, keys, results, miss):
    """A property name of class ``label - 1`` has ended."""
    frame = regs[R_FRAME]
    regs[R_MODE] = M_COLON
    regs[R_A] = 0
    regs[R_B] = 0
    regs[R_C] = 0
    if frames[frame, F_KIND] == PLAIN_OBJECT:
        bit = label - 1
        if not ((frames[frame, F_HIGH] & ~regs[R_COUNT]) >> bit) & 1:
            return DIES
        value = children[frames[frame, F_CHILDREN] + bit]
        if value < 0:
            miss[0] = NEED_CHILD
            miss[1] = frame
            miss[2] = bit
            return MISSING
        if value == 0:
            return DIES
        if bit < frames[frame, F_NEXT]:
            regs[R_COUNT] |= np.int64(1) << bit
        if frames[frame, F_MAY_GO_ON] != 0:
            # Properties in order: the frame after this name allows only later ones.
            regs[R_FRAME] = children[frames[frame, F_MAY_GO_ON] + bit]
        regs[R_VALUE] = value
        return GOES
    slot = _find_event(keys, results, frame, (1 << 23) | label)
    if slot < 0:
        miss[0] = NEED_EVENT
        miss[1] = frame
        miss[2] = (1 << 23) | label
        return MISSING
    if results[slot, 0] == 0:
        return DIES
    regs[R_FRAME] = results[slot, 0]
    regs[R_VALUE] = results[slot, 1]
    return GOES
