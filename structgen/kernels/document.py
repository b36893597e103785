"""One byte of JSON under a schema; walks of the token trie are in ``document_walk``.

The machine is a pushdown automaton whose structural part is code, and whose schema part is read from
tables that Python fills on demand. Its parts, each calling those before: names and byte tables
(``document_registers``), what a value does to its container (``document_frames``), strings
(``document_text``, ``document_escapes``), what stands between lexemes (``document_structure``), and
here numbers, words and reading on. A step that needs an entry which is not there yet
returns ``MISSING`` and says which; a walk notes it, skips that subtree and goes on.

A configuration is a row of ``WIDTH`` int64 registers (named ``R_…``), so that a walk keeps one
row per depth. Tables, all filled by ``structgen.automata.document``:

- ``trans`` int32: transitions of byte automata of decoded string content, row after row; 0 is dead.
- ``content`` (Q, 4) int32, columns ``C_…``: a row's place in ``trans``, its byte classes in ``class_maps``, its label
  on acceptance (0: not accepting) and the most code points allowed at it.
- ``class_maps`` (n, 256) uint8: byte classes.
- ``numbers`` (N, 16) int32 and ``number_label`` (N,) int32: automata of number texts, by class of byte; the column
  ``NUMBER_JUDGED``, which no byte has, says that a number is judged at its end.
- ``reach`` (Q,) int64: for automata of property names, the set of classes that can still be reached.
- ``specs`` (n, 8) int32: how a string is read, columns ``SPEC_…``; an automaton with a label is judged at its end.
- ``lit_start`` (n + 1,) int32, ``lit_bytes`` uint8, ``lit_label`` (n,) int32: sorted string constants.
- ``values`` (n, 7) int32: per value context, what each JSON type leads to (-1: not filled, 0: forbidden).
- ``frames`` (n, 10) int64: open containers, columns ``F_…``; in general frames what may follow is filled in on demand,
  and ``F_LOW`` of a general object says that its names are kept.
- ``children`` (n,) int32: value contexts of plain containers (-1: not filled, 0: forbidden).
- ``available`` (n, ) uint8: names still possible in general object frames.
- ``keys`` (H,) int64, ``results`` (H, 2) int32: hashed events of general frames.
- ``cells`` (n, 3) int64: the stack, as frame, register and parent cell; cell 0 is the bottom.
"""

from __future__ import annotations

import numpy as np

from structgen.kernels.document_escapes import in_string
from structgen.kernels.document_frames import key_done, value_done
from structgen.kernels.document_registers import *  # noqa: F403 - all modules read them as names of this one
from structgen.kernels.document_registers import (
    DIES,
    F_KIND,
    F_LOW,
    FIRST_LEXICAL,
    GENERAL_OBJECT,
    GOES,
    KEEPING_ARRAY,
    M_CONTENT,
    M_NUMBER,
    M_WORD,
    NUMBER_CLASS,
    NUMBER_JUDGED,
    R_A,
    R_B,
    R_C,
    R_CELL,
    R_COMMA,
    R_COUNT,
    R_ESC,
    R_FRAME,
    R_FREE,
    R_KEPT,
    R_MODE,
    R_POPPED,
    R_VALUE,
    SPEC_LABEL,
    UNDECIDED,
    WORDS,
)
from structgen.kernels.document_structure import is_space, structural
from structgen.kernels.document_text import spec_of
from structgen.kernels.jit import inlined, uncounted


@uncounted
def step(
    regs, b, trans, content, class_maps, reach, numbers, number_label, specs, lit_start, lit_bytes, lit_label, values, frames, children, available,
    keys, results, cells, n_cells, max_space, miss,
):  # fmt: skip
    """Read one byte: DIES, GOES, MISSING (``miss`` says what) or UNDECIDED; ``regs`` is changed in place."""
    mode = regs[R_MODE]
    if mode < FIRST_LEXICAL:
        return structural(
            regs, b, trans, content, class_maps, reach, numbers, number_label, specs, values, frames, children, available, keys, results, cells, n_cells, max_space, miss
        )
    if mode == M_NUMBER:
        row = numbers[regs[R_A], NUMBER_CLASS[b]]
        if row != 0:
            regs[R_A] = row
            return GOES
        label = number_label[regs[R_A]]
        if label == 0 or not (b == 44 or b == 93 or b == 125 or is_space(b)):
            return DIES
        status = value_done(regs, np.int64(label), frames, keys, results, miss)
        if status != GOES:
            return status
        return structural(
            regs, b, trans, content, class_maps, reach, numbers, number_label, specs, values, frames, children, available, keys, results, cells, n_cells, max_space, miss
        )
    if mode == M_WORD:
        if b != WORDS[regs[R_A], regs[R_B]] or b == 0:
            return DIES
        regs[R_B] += 1
        if WORDS[regs[R_A], regs[R_B]] == 0:
            return value_done(regs, regs[R_C], frames, keys, results, miss)
        return GOES
    return in_string(
        regs, b, trans, content, class_maps, reach, numbers, number_label, specs, lit_start, lit_bytes, lit_label, values, frames, children, available, keys, results, miss
    )


@uncounted
def end_value(regs, label, frames, keys, results, miss):
    """Take the value at hand as ended with ``label``, whatever its automaton says."""
    return value_done(regs, label, frames, keys, results, miss)


@uncounted
def end_name(regs, label, frames, children, keys, results, miss):
    """Take the name at hand as ended with ``label``, whatever its automaton says."""
    return key_done(regs, label, frames, children, keys, results, miss)


@uncounted
def end_number(regs, number_label, frames, keys, results, miss):
    """Take the number at hand as complete, as a delimiter would."""
    return value_done(regs, np.int64(number_label[regs[R_A]]), frames, keys, results, miss)


@inlined
def _copy(source, target):
    for i in range(source.shape[0]):  # a slice assignment would allocate
        target[i] = source[i]


@inlined
def opens_kept(regs, before, numbers, specs, values, frames):
    """Whether a step has opened a frame that keeps values or names, or a string or number that is judged as a whole."""
    frame = regs[R_FRAME]
    if frame != before[R_FRAME]:
        kind = frames[frame, F_KIND]
        return kind == KEEPING_ARRAY or (kind == GENERAL_OBJECT and frames[frame, F_LOW] != 0)
    if regs[R_MODE] == M_NUMBER:
        return before[R_MODE] != M_NUMBER and numbers[regs[R_A], NUMBER_JUDGED] != 0
    if regs[R_MODE] != M_CONTENT or before[R_MODE] >= FIRST_LEXICAL:
        return False
    return specs[spec_of(regs, values, frames), SPEC_LABEL] != 0


@uncounted
def run(
    regs, before, data, start, trans, content, class_maps, reach, numbers, number_label, specs, lit_start, lit_bytes, lit_label, values, frames, children, available,
    keys, results, cells, n_cells, max_space, miss,
):  # fmt: skip
    """Read ``data[start:]``; return status and how many bytes of ``data`` are behind; ``regs`` stays before a failed byte.

    ``before`` is scratch of the same shape.
    """
    return _run_to(
        data.shape[0], regs, before, data, start, trans, content, class_maps, reach, numbers, number_label, specs, lit_start, lit_bytes, lit_label, values, frames, children, available,
        keys, results, cells, n_cells, max_space, miss,
    )  # fmt: skip


@uncounted
def _run_to(
    end, regs, before, data, start, trans, content, class_maps, reach, numbers, number_label, specs, lit_start, lit_bytes, lit_label, values, frames, children, available,
    keys, results, cells, n_cells, max_space, miss,
):  # fmt: skip
    for at in range(start, end):
        _copy(regs, before)
        status = step(
            regs, data[at], trans, content, class_maps, reach, numbers, number_label, specs, lit_start, lit_bytes, lit_label, values, frames, children, available,
            keys, results, cells, n_cells, max_space, miss,
        )  # fmt: skip
        if status != GOES:
            _copy(before, regs)
            return status, at
        if regs[R_KEPT] == 1 and opens_kept(regs, before, numbers, specs, values, frames):
            # Text that must be kept begins: its owner reads on byte by byte.
            _copy(before, regs)
            return UNDECIDED, at
    return GOES, end


@uncounted
def undecided(
    mask, ids, offsets, told, config, regs, before, data,
    trans, content, class_maps, reach, numbers, number_label, specs, lit_start, lit_bytes, lit_label, values, frames, children, available,
    keys, results, cells, n_cells, max_space, miss,
):  # fmt: skip
    """Which of the tokens ``ids`` that ``mask`` allows tables alone do not read to their ends from ``config``.

    ``told`` (n,) bool, written in place; token ``ids[k]`` is ``data[offsets[k]:offsets[k + 1]]``. ``regs`` and
    ``before`` are scratch.
    """
    for k in range(ids.shape[0]):
        token = ids[k]
        told[k] = False
        if not (mask[token >> 5] >> np.uint32(token & 31)) & np.uint32(1):
            continue
        for i in range(config.shape[0]):
            regs[i] = config[i]
        regs[R_POPPED] = 0
        regs[R_FREE] = n_cells
        regs[R_KEPT] = 1
        regs[R_COMMA] = 0
        status, _ = _run_to(
            offsets[k + 1], regs, before, data, offsets[k], trans, content, class_maps, reach, numbers, number_label, specs, lit_start, lit_bytes, lit_label, values, frames, children, available,
            keys, results, cells, n_cells, max_space, miss,
        )  # fmt: skip
        told[k] = status != GOES


@uncounted
def read(
    mode, a, b, c, escape, value, frame, count, cell, regs, before, data,
    trans, content, class_maps, reach, numbers, number_label, specs, lit_start, lit_bytes, lit_label, values, frames, children, available,
    keys, results, cells, n_cells, max_space, miss,
):  # fmt: skip
    """``run`` from a configuration: returns status, how many bytes are behind, and the configuration there.

    Registers passed and returned one by one take half the time of rows made and read in Python.
    """
    regs[R_MODE] = mode
    regs[R_A] = a
    regs[R_B] = b
    regs[R_C] = c
    regs[R_ESC] = escape
    regs[R_VALUE] = value
    regs[R_FRAME] = frame
    regs[R_COUNT] = count
    regs[R_CELL] = cell
    regs[R_POPPED] = 0
    regs[R_FREE] = n_cells
    regs[R_KEPT] = 1
    regs[R_COMMA] = 0
    status, at = run(
        regs, before, data, 0, trans, content, class_maps, reach, numbers, number_label, specs, lit_start, lit_bytes, lit_label, values, frames, children, available,
        keys, results, cells, n_cells, max_space, miss,
    )  # fmt: skip
    return (
        status, at, regs[R_MODE], regs[R_A], regs[R_B], regs[R_C], regs[R_ESC], regs[R_VALUE], regs[R_FRAME],
        regs[R_COUNT], regs[R_CELL],
    )  # fmt: skip
