"""Inside a JSON string that an automaton reads: where most text leads, and walks of what leads elsewhere.

``masks.content_runs`` explains the idea. Automata are those of ``kernels.document``: ``trans``, ``content``
(columns ``C_…``), ``class_maps`` and ``reach``. A set of characters is given by the first bytes of
their UTF-8 forms, ``first`` (256,) uint8; a set holds a byte beyond ASCII only if it holds all
characters that start with it.
"""

from __future__ import annotations

import numpy as np

from structgen.kernels.bits import allow, forbid
from structgen.kernels.content_escapes import DIGITS, after, any_character, digits_alive
from structgen.kernels.content_run import keeps_to
from structgen.kernels.document_escapes import hex_value, short_escape
from structgen.kernels.document_registers import C_LABEL, C_LIMIT, C_MAP, UTF8, UTF8_DEAD
from structgen.kernels.jit import inlined, kernel, uncounted
from structgen.kernels.like_states import meet

ESCAPE, QUOTE = 1, 2
NO_ROOM, TOO_MUCH = -1, -2
ROOT = ~0
"""The entry where all of a trie counts."""
MANY_LETTERS = 40
_UTF8_CLASS = np.unique(UTF8, axis=1, return_inverse=True)[1].reshape(-1)
"""(256,): equal for bytes that UTF-8 does not tell apart."""


@kernel
def _all_lead_to(trans, content, class_maps, state, lead, target):
    """Whether every character that starts with ``lead`` takes the automaton from ``state`` to ``target``."""
    at = np.zeros(9, np.int64)  # the automaton's state in each state of UTF8, if it is always the same
    place = np.int64(UTF8[0, lead])
    if place == UTF8_DEAD:
        return False
    at[place] = after(trans, content, class_maps, state, lead)
    if at[place] == 0:
        return False
    for turn in (6, 5, 7, 3, 2, 4, 1):  # each after those that lead to it
        if at[turn] == 0:
            continue
        for b in range(128, 192):
            to = UTF8[turn, b]
            if to == UTF8_DEAD:
                continue
            went = after(trans, content, class_maps, at[turn], b)
            if to == 0:
                if went != target:
                    return False
            elif went == 0 or (at[to] != 0 and at[to] != went):
                return False
            else:
                at[to] = went
    return True


@kernel
def target_of(trans, content, class_maps, state, weights, first):
    """The state that most of the vocabulary goes to from ``state`` in one ASCII character; 0 if all die.

    ``weights`` (256,) int64 says how common bytes are in it. ``first`` receives the characters that lead there.
    """
    best, target = np.int64(0), np.int64(0)
    seen = np.zeros(128, np.uint8)
    for b in range(32, 128):
        to = after(trans, content, class_maps, state, b)
        if to == 0 or seen[b]:
            continue
        total = np.int64(1)
        for other in range(b, 128):
            if after(trans, content, class_maps, state, other) == to:
                seen[other] = 1
                total += weights[other]
        if total > best:
            best, target = total, to
    first[:] = 0
    if target == 0:
        return target
    for b in range(128):
        first[b] = np.uint8(after(trans, content, class_maps, state, b) == target)
    for b in range(0xC2, 0xF5):
        first[b] = np.uint8(_all_lead_to(trans, content, class_maps, state, b, target))
    return target


@inlined
def _one_of_each(class_map, found):
    """One byte of each class, of those that UTF-8 does not tell apart; returns how many are in ``found`` then."""
    n = 0
    for b in range(256):
        index = 0
        while index < n and (class_map[found[index]] != class_map[b] or _UTF8_CLASS[found[index]] != _UTF8_CLASS[b]):
            index += 1
        if index == n:
            found[n] = b
            n += 1
    return n


@kernel
def common_reach(trans, content, class_maps, reach, start, first, n_states, most_states):
    """What all states that text leads to from ``start`` can reach, as bits; 0 where some text dies.

    0, too, where there are more than ``most_states``. The automaton has ``n_states`` from ``first`` on.
    """
    states = np.empty(min(most_states, n_states), np.int64)
    place_of = np.full(n_states, -1, np.int8)
    few = np.empty(256, np.int64)
    n_few = _one_of_each(class_maps[content[start, C_MAP]], few)
    states[0] = start
    place_of[start - first] = 0
    begun, ended = 0, 1
    found = np.int64(-1)
    while begun < ended:
        state = states[begun]
        begun += 1
        found &= reach[state]
        for index in range(n_few):
            b = few[index]
            place = UTF8[place_of[state - first], b]
            if place == UTF8_DEAD:
                continue
            to = after(trans, content, class_maps, state, b)
            if to == 0 or (place_of[to - first] >= 0 and place_of[to - first] != place):
                return np.int64(0)
            if place_of[to - first] < 0:
                if ended == states.shape[0]:
                    return np.int64(0)
                place_of[to - first] = place
                states[ended] = to
                ended += 1
    return found


@kernel
def is_between_characters(trans, content, class_maps, state):
    """Whether no continuation byte may follow; automata are trimmed, so that decides it."""
    live = False
    for b in range(128, 192):
        live = live or after(trans, content, class_maps, state, b) != 0
    return not live


@inlined
def _letters(trans, content, class_maps, reach, window, state):
    """How many ASCII letters may follow."""
    n = 0
    for b in range(97, 123):
        for letter in (b, b - 32):
            to = after(trans, content, class_maps, state, letter)
            n += to != 0 and (reach[to] & window) != 0
    return n


@kernel
def is_much(trans, content, class_maps, reach, window, state, node, roots, byte, subtree_end, most):
    """Whether more than ``most`` nodes below ``node`` seem to be alive, entered in ``state``.

    Of what is below a byte, as much is counted as may go on with two letters.
    """
    if _letters(trans, content, class_maps, reach, window, state) > MANY_LETTERS:
        then = after(trans, content, class_maps, state, 101)
        if then != 0 and _letters(trans, content, class_maps, reach, window, then) > MANY_LETTERS:
            return True
    n, last, n_letters = 0.0, np.int64(0), 0
    child = np.int64(node) + 1
    lead = 0
    while (lead < 256) if node == 0 else (child < subtree_end[node]):
        if node == 0:
            child = np.int64(roots[lead])
            lead += 1
            if child == 0:
                continue
        to = after(trans, content, class_maps, state, byte[child])
        if to != 0 and reach[to] & window:
            if to != last:
                last, n_letters = to, _letters(trans, content, class_maps, reach, window, to)
            n += (subtree_end[child] - child) * (n_letters / 52) ** 2
            if n > most:
                return True
        child = np.int64(subtree_end[child])
    return False


@kernel
def in_common(trans, content, class_maps, reach, window, state, known_window, known_state, roots, subtree_end):
    """Of the trie nodes that one of two states can read, the share below bytes that lead both to the same."""
    n, n_common = 1, 0
    for lead in range(256):
        node = np.int64(roots[lead])
        if node == 0 or lead < 32 or lead == 34 or lead == 92:
            continue
        to = after(trans, content, class_maps, state, lead)
        known = after(trans, content, class_maps, known_state, lead)
        if (reach[to] & window) == 0:
            to = np.int64(0)
        if (reach[known] & known_window) == 0:
            known = np.int64(0)
        if to != 0 or known != 0:
            size = subtree_end[node] - node
            n += size
            if to == known and (reach[to] & window) == (reach[to] & known_window):
                n_common += size
    return n_common / n


@inlined
def _note(kind, node, state, n, notes, n_notes):
    """Add a note; returns how many there are then, or ``NO_ROOM``."""
    if n_notes == notes.shape[0]:
        return NO_ROOM
    notes[n_notes, 0] = kind
    notes[n_notes, 1] = node
    notes[n_notes, 2] = state
    notes[n_notes, 3] = n
    return n_notes + 1


@uncounted
def _by_number(
    node, byte, subtree_end, depth, token_start, token_ids, trans, content, class_maps, reach, window, counts,
    state, n, mask, notes, n_notes,
):  # fmt: skip
    """Decide the escapes by number below ``node``, the edge of their ``u``; characters spelled out are noted.

    Returns how many notes there are then, or ``NO_ROOM``.
    """
    allow(token_ids, token_start[node], token_start[node + 1], mask)
    value, n_digits = np.int64(0), np.int64(0)
    below = node + 1
    while below < subtree_end[node]:
        above = np.int64(depth[below]) - np.int64(depth[node]) - 1
        digit = hex_value(np.int64(byte[below]))
        if digit < 0:
            below = np.int64(subtree_end[below])
            continue
        if above == DIGITS:
            n_notes = _note(ESCAPE, below, state, n, notes, n_notes)
            if n_notes < 0:
                return NO_ROOM
            below = np.int64(subtree_end[below])
            continue
        longer = (value >> (4 * (n_digits - above)) << 4) | digit
        if not digits_alive(trans, content, class_maps, reach, window, counts, state, n, longer, above + 1):
            below = np.int64(subtree_end[below])
            continue
        value, n_digits = longer, above + 1
        allow(token_ids, token_start[below], token_start[below + 1], mask)
        below += 1
    return n_notes


@kernel
def content_walk(
    entries, entry_states, entry_counts, roots, byte, subtree_end, depth, token_start, token_ids, max_depth,
    trans, content, class_maps, reach, window, counts, least, stop_state, skipped, loop_state, inside, known_state,
    known_window, below, mask, quotes, most_nodes, notes, met, first, place_of, visited,
):  # fmt: skip
    """Allow the content tokens at and below some nodes, each entered in a state of its own.

    An entry is a node whose edge is still to be read, or ``~node`` where only what is below it counts. ``roots`` (256,)
    are the children of the root by byte, 0 where there is none.
    A subtree that reaches ``stop_state`` is left as ``mask`` has it, and so are, at the entry's state, those of the
    first bytes in ``skipped`` (256,), which lead there; all other tokens are forbidden. A subtree that reaches
    ``loop_state`` is allowed as a whole if it keeps to characters that lead back there, ``inside`` (1, 4) as bits:
    ``below`` (N, 4) says which characters there are (``content_run``). With ``known_state``, ``mask`` holds what
    follows that state in ``known_window``, and a subtree where the two come to the same is left.
    Closing quotes (``QUOTE``, if
    ``quotes``) and characters spelled out by number (``ESCAPE``) are noted, not followed: kind, node, state and
    characters before, in ``notes`` (n, 4). Returns how many, ``NO_ROOM`` where there was none, or ``TOO_MUCH`` beyond
    ``most_nodes``.

    ``visited`` (2,) counts the nodes, and the states met, of which ``met`` is the set (``like_states.meet``); -1 where
    nobody asks.

    One loop on purpose, as in ``document_walk``.
    """
    states = np.zeros(max_depth + 2, np.int64)
    characters = np.zeros(max_depth + 2, np.int64)
    known_states = np.zeros(max_depth + 2, np.int64)
    escaped = np.zeros(max_depth + 2, np.uint8)
    n_notes = 0
    known, known_n, known_alive = np.int64(-1), np.int64(-1), False
    n_met = visited[1]
    for entry in range(entries.shape[0]):
        node = np.int64(entries[entry])
        if node < 0:
            node = ~node
            stop = np.int64(subtree_end[node])
            above = np.int64(depth[node])
            node += 1
        else:
            stop = np.int64(subtree_end[node])
            above = np.int64(depth[node]) - 1
        states[above] = entry_states[entry]
        characters[above] = entry_counts[entry]
        known_states[above] = known_state
        escaped[above] = 0
        n_met = meet(states[above], met, first, place_of, n_met)
        for lead in range(256 if entries[entry] == ROOT else 1):
            if entries[entry] == ROOT:
                # A glance spares the way to what dies at once: children of the root lie far apart.
                node = np.int64(roots[lead])
                if node == 0:
                    continue
                stop = np.int64(subtree_end[node])
                if lead != 34 and lead != 92 and after(trans, content, class_maps, entry_states[entry], lead) == 0:
                    if stop_state != 0 or (
                        known_state != 0 and after(trans, content, class_maps, known_state, lead) != 0
                    ):
                        forbid(token_ids, token_start[node], token_start[stop], mask)
                    continue
            while node < stop:
                visited[0] += 1
                if visited[0] > most_nodes:
                    visited[1] = n_met
                    return TOO_MUCH
                level = np.int64(depth[node])
                state = states[level - 1]
                n = characters[level - 1]
                b = np.int64(byte[node])
                to, point = np.int64(0), np.int64(-1)
                if escaped[level - 1]:
                    if b == 117:
                        if stop_state != 0 or known_state != 0:
                            forbid(token_ids, token_start[node], token_start[subtree_end[node]], mask)
                        n_notes = _by_number(
                            node, byte, subtree_end, depth, token_start, token_ids, trans, content, class_maps, reach,
                            window, counts, state, n, mask, notes, n_notes,
                        )  # fmt: skip
                        if n_notes < 0:
                            return NO_ROOM
                        node = np.int64(subtree_end[node])
                        continue
                    point = short_escape(b)
                    if point >= 0:
                        to = after(trans, content, class_maps, state, point)
                        n += 1
                elif b == 92:
                    if known != state or known_n != n:
                        known, known_n = state, n
                        known_alive = any_character(trans, content, class_maps, reach, window, counts, state, n)
                    if known_alive:
                        states[level] = state
                        known_states[level] = known_states[level - 1]
                        characters[level] = n
                        escaped[level] = 1
                        allow(token_ids, token_start[node], token_start[node + 1], mask)
                        node += 1
                        continue
                elif b >= 32 and b != 34:
                    if stop_state != 0 and state == entry_states[entry] and skipped[b]:
                        node = np.int64(subtree_end[node])
                        continue
                    point = b
                    to = after(trans, content, class_maps, state, b)
                    if b < 0x80 or b >= 0xC0:
                        n += 1
                if to != 0 and ((reach[to] & window) == 0 or (counts and n > content[to, C_LIMIT])):
                    to = np.int64(0)
                known = np.int64(0)
                if known_states[level - 1] != 0 and point >= 0:
                    known = after(trans, content, class_maps, known_states[level - 1], point)
                    if (reach[known] & known_window) == 0:
                        known = np.int64(0)
                if to == 0:
                    if (
                        b == 34
                        and not escaped[level - 1]
                        and quotes
                        and content[state, C_LABEL]
                        and not (counts and n < least)
                    ):
                        n_notes = _note(QUOTE, node, state, n, notes, n_notes)
                        if n_notes < 0:
                            return NO_ROOM
                    if stop_state != 0 or known != 0 or (known_state != 0 and b == 92 and point < 0):
                        forbid(token_ids, token_start[node], token_start[subtree_end[node]], mask)
                    node = np.int64(subtree_end[node])
                    continue
                n_met = meet(to, met, first, place_of, n_met)
                if to == stop_state or (to == known and (reach[to] & window) == (reach[to] & known_window)):
                    node = np.int64(subtree_end[node])
                    continue
                if to == loop_state and keeps_to(below, node, inside):
                    allow(token_ids, token_start[node], token_start[subtree_end[node]], mask)
                    node = np.int64(subtree_end[node])
                    continue
                states[level] = to
                known_states[level] = known
                characters[level] = n
                escaped[level] = 0
                allow(token_ids, token_start[node], token_start[node + 1], mask)
                node += 1
    visited[1] = n_met
    return n_notes


@kernel
def gather_quotes(notes, content, index_of_note, labels, states):
    """Bring the quotes among ``notes`` to the front, in their order; returns how many there are, and how many labels.

    ``index_of_note`` (n,) says which of ``labels`` (n,) each has; ``states`` (n,) is one state with each label.
    """
    n_quotes, n_labels = 0, 0
    for note in range(notes.shape[0]):
        if notes[note, 0] != QUOTE:
            continue
        notes[n_quotes] = notes[note]
        label = content[notes[note, 2], C_LABEL]
        index = 0
        while index < n_labels and labels[index] != label:
            index += 1
        if index == n_labels:
            labels[index], states[index] = label, notes[note, 2]
            n_labels += 1
        index_of_note[n_quotes] = index
        n_quotes += 1
    return n_quotes, n_labels


@kernel
def close_notes(notes, row_of_note, suffixes, suffix_of, subtree_end, depth, token_start, token_ids, mask):
    """At noted quotes, allow the tokens whose suffix is in row ``row_of_note`` of ``suffixes``."""
    for note in range(notes.shape[0]):
        row = row_of_note[note]
        node = notes[note, 1]
        for index in range(token_start[node], token_start[subtree_end[node]]):
            token = np.uint32(token_ids[index])
            suffix = suffix_of[token]
            if suffix >= 0 and (suffixes[row, suffix >> 5] >> np.uint32(suffix & 31)) & np.uint32(1):
                mask[token >> np.uint32(5)] |= np.uint32(1) << (token & np.uint32(31))


@kernel
def allow_tokens(tokens, mask):
    """Set the bits of ``tokens``."""
    for index in range(tokens.shape[0]):
        token = np.uint32(tokens[index])
        mask[token >> np.uint32(5)] |= np.uint32(1) << (token & np.uint32(31))


@kernel
def forbid_tokens(tokens, mask):
    """Clear the bits of ``tokens``."""
    for index in range(tokens.shape[0]):
        token = np.uint32(tokens[index])
        mask[token >> np.uint32(5)] &= ~(np.uint32(1) << (token & np.uint32(31)))
