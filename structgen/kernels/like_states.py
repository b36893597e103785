"""Whether walks of a vocabulary from two states of a string automaton come to the same (``masks.fixed_content``).

A walk from one state has met some others. If these can be mapped to states of the same labels and limits, the first to
the other one at hand, such that each byte dies in both or in none and leads from what was met to what was met exactly
as it does from image to image, then a walk from there allows the same tokens: every step it takes is the image of one.
The map is followed from the first pair on; states met in two ways have to have one image. Bytes within a character are
followed to its end, whether met or not, for a character may be spelled by number.
"""

from __future__ import annotations

import numpy as np

from structgen.kernels.content_escapes import after
from structgen.kernels.document_registers import C_LABEL, C_LIMIT, C_MAP, UTF8
from structgen.kernels.jit import inlined, kernel

MOST_PAIRS = 512
"""States met, and states within characters beside them, up to which a map is looked for."""


@inlined
def _one_of_each(class_map, low, high, found, n):
    """One byte of each class among some bytes; returns how many are in ``found`` then."""
    first = n
    for b in range(low, high):
        is_new = True
        for index in range(first, n):
            is_new = is_new and class_map[found[index]] != class_map[b]
        if is_new:
            found[n] = b
            n += 1
    return n


@inlined
def _open_after(trans, content, class_maps, reach, window, state, b):
    """The state after a byte, 0 where nothing in ``window`` can be reached."""
    to = after(trans, content, class_maps, state, b)
    return to if reach[to] & window else np.int64(0)


@kernel
def are_alike(met, met_window, first, place_of, trans, content, class_maps, reach, target, window):
    """Whether ``target`` is to tokens what ``met[0]`` is, ``met`` (n,) int64 being all that was met there.

    Only what reaches ``met_window`` was read there, and ``window`` is what may be reached from ``target``.
    ``place_of`` is scratch by state, counted from ``first``, whatever it holds.
    """
    if content[met[0], C_LABEL] != content[target, C_LABEL] or content[met[0], C_MAP] != content[target, C_MAP]:
        return False
    if met.shape[0] > MOST_PAIRS:
        return False
    class_map = class_maps[content[target, C_MAP]]
    few = np.empty(512, np.int64)
    n_first = _one_of_each(class_map, 0, 128, few, 0)
    n_first = _one_of_each(class_map, 0xC2, 0xF5, few, n_first)
    n_few = _one_of_each(class_map, 0x80, 0xC0, few, n_first)
    states, images, within, todo = np.zeros((4, MOST_PAIRS), np.int64)
    n = met.shape[0]
    for index in range(n):
        states[index] = met[index]
        place_of[met[index] - first] = index
    images[0] = target
    todo[0] = 0
    n_todo, n_mapped = 1, 1
    while n_todo:
        n_todo -= 1
        index = todo[n_todo]
        state, image, place = states[index], images[index], within[index]
        for at in range(n_first if place else 0, n_few if place else n_first):
            b = few[at]
            to = _open_after(trans, content, class_maps, reach, met_window, state, b)
            image_to = _open_after(trans, content, class_maps, reach, window, image, b)
            if (to == 0) != (image_to == 0):
                return False
            if to == 0:
                continue
            next_place = np.int64(UTF8[place, b]) if b >= 128 else 0
            found = np.int64(place_of[to - first])
            if found < 0 or found >= n or states[found] != to:
                if next_place == 0:
                    continue
                if n == MOST_PAIRS:
                    return False
                found, n = n, n + 1
                states[found] = to
                place_of[to - first] = found
            if images[found] != 0:
                if images[found] != image_to:
                    return False
                continue
            if content[to, C_LABEL] != content[image_to, C_LABEL] or content[to, C_LIMIT] != content[image_to, C_LIMIT]:
                return False
            images[found], within[found] = image_to, next_place
            todo[n_todo] = found
            n_todo += 1
            n_mapped += 1
    return n_mapped == n


@inlined
def meet(state, met, first, place_of, n):
    """Put a state into a set, whose ``n`` members are in ``met``; returns how many there are then, -1 if too many.

    A sparse set (Briggs and Torczon 1993): ``place_of``, by state counted from ``first``, need not be cleared.
    """
    if n >= 0:
        place = np.int64(place_of[state - first])
        if place < 0 or place >= n or met[place] != state:
            if n == met.shape[0]:
                n = np.int64(-1)
            else:
                met[n] = state
                place_of[state - first] = n
                n += 1
    return n


@kernel
def meet_all(states, met, first, place_of, n):
    """``meet`` of several."""
    for state in states:
        n = meet(state, met, first, place_of, n)
    return n
