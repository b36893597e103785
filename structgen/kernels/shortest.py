"""Shortest contents of strings, and which lengths they can have; automata as in ``kernels.document``."""

from __future__ import annotations

import numpy as np

from structgen.kernels.document_registers import C_LABEL, C_MAP, C_START
from structgen.kernels.jit import kernel


@kernel
def shortest_content(trans, content, class_maps, preferred, first, n_states, row, behind, least, allowed, n_labels):
    """Shortest bytes from ``row`` to each label, breadth first: labels, ends of texts, and the texts end to end.

    The automaton has rows ``first`` to ``first + n_states``. ``behind`` characters have been read, and a label counts
    from ``least`` on, if its bit (``label - 1``) is in ``allowed``; the search ends at ``n_labels``. ``preferred``
    (256,) uint8 lists the bytes, better ones first.
    """
    class_of = class_maps[content[row, C_MAP]]
    bytes_of = np.empty(256, np.int64)
    seen_class = np.zeros(256, np.bool_)
    n_classes = 0
    for b in preferred:
        if not seen_class[class_of[b]]:
            seen_class[class_of[b]] = True
            bytes_of[n_classes] = b
            n_classes += 1
    height = least + 1
    parent = np.full(n_states * height, -2, np.int32)
    edge = np.zeros(n_states * height, np.uint8)
    queue = np.empty(n_states * height, np.int32)
    queue[0] = (row - first) * height + min(behind, least)
    parent[queue[0]] = -1
    head, tail = 0, 1
    labels = np.empty(n_labels, np.int64)
    places = np.empty(n_labels, np.int64)
    n_found = 0
    while head < tail and n_found < n_labels:
        place = queue[head]
        head += 1
        state, n = first + place // height, place % height
        label = content[state, C_LABEL]
        if label != 0 and n >= least and (label > 63 or (allowed >> (label - 1)) & 1) and label not in labels[:n_found]:
            labels[n_found] = label
            places[n_found] = place
            n_found += 1
        start = content[state, C_START]
        for index in range(n_classes):
            b = bytes_of[index]
            to = trans[start + class_of[b]]
            if to == 0:
                continue
            after = n + 1 if n < least and (b < 0x80 or b >= 0xC0) else n
            target = (to - first) * height + after
            if parent[target] == -2:
                parent[target] = place
                edge[target] = b
                queue[tail] = target
                tail += 1
    ends = np.zeros(n_found, np.int64)
    total = 0
    for index in range(n_found):
        place = places[index]
        while parent[place] >= 0:
            total += 1
            place = parent[place]
        ends[index] = total
    text = np.empty(total, np.uint8)
    for index in range(n_found):
        at = ends[index]
        place = places[index]
        while parent[place] >= 0:
            at -= 1
            text[at] = edge[place]
            place = parent[place]
    return labels[:n_found], ends, text


@kernel
def has_all_lengths(transitions, accepting, starts, high):
    """Whether from every state completions exist of all lengths between the least one and ``high`` characters.

    ``starts`` (C,): whether the class's bytes start a character.
    """
    n, n_classes = transitions.shape
    inner = np.zeros(n, np.bool_)
    for state in range(1, n):
        for c in range(n_classes):
            if transitions[state, c] != 0 and not starts[c]:
                inner[state] = True
    before = np.zeros(n, np.bool_)
    now = np.zeros(n, np.bool_)
    reached = np.zeros(n, np.bool_)
    for length in range(high + 1):
        for state in range(1, n):
            now[state] = accepting[state] if length == 0 else False
            if length > 0 and not inner[state]:
                for c in range(n_classes):
                    if starts[c] and before[transitions[state, c]]:
                        now[state] = True
                        break
        for _ in range(3):  # states inside characters, from the last byte back
            for state in range(1, n):
                if inner[state]:
                    for c in range(n_classes):
                        if not starts[c] and now[transitions[state, c]]:
                            now[state] = True
                            break
        for state in range(1, n):
            if now[state]:
                reached[state] = True
            elif reached[state]:
                return False
        before, now = now, before
    return True
