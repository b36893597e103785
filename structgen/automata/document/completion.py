"""A shortest completion from any configuration: end the lexeme, then close frame by frame."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from structgen.automata.document.keeping import Digits, Names
from structgen.automata.document.shortest import _outside, escaped
from structgen.errors import LimitError
from structgen.kernels import document as K

if TYPE_CHECKING:
    from structgen.automata.document.automaton import DocumentAutomaton

__all__ = ["Step", "completion_of"]

MOST_COMPARED = 64
FEW_COMPARED = 12
"""The same where names or texts are kept, each of which is read byte by byte."""
MOST_PARTS = 10_000
"""Steps of one completion; there are a few for each open container, and one for each time a search gave up."""
_GENERAL = (K.GENERAL_OBJECT, K.GENERAL_ARRAY, K.KEEPING_ARRAY)
_STRUCTURAL = (K.M_COLON, K.M_FIRST_KEY, K.M_FIRST_ITEM, K.M_KEY, K.M_AFTER)
_WORDS = (b"null", b"true", b"false")
_CONTINUATION = {0: b"", 1: b"\x80", 2: b"\x80\x80", 3: b"\xa0\x80", 4: b"\x80\x80", 5: b"\x80" * 3, 6: b"\x90\x80\x80",
                 7: b"\x80" * 3}  # fmt: skip


Step = tuple[bytes, tuple[Any, ...]]


def completion_of(automaton: DocumentAutomaton, config: tuple[Any, ...], known: dict[tuple[Any, ...], Step]) -> bytes:
    """Bytes that end the document; least in each frame, which is least overall for plain frames.

    ``known`` remembers the steps on the way: most completions soon join one that was found before.
    """
    parts: list[bytes] = []
    while config[K.R_MODE] != K.M_END:
        if len(parts) > MOST_PARTS:
            raise _not_found(automaton)
        step = known.get(config)
        if step is None:
            step = known[config] = _one_part(automaton, config)
        part, config = step
        parts.append(part)
    return b"".join(parts)


def _one_part(automaton: DocumentAutomaton, config: tuple[Any, ...]) -> Step:
    """Some bytes towards the end, and the configuration after them."""
    if config[K.R_MODE] == K.M_NUMBER and automaton.is_accepting(config):
        return b"", (K.M_END, *config[1:])
    weighs = int(automaton.tables.frames[config[K.R_FRAME], K.F_KIND]) in _GENERAL
    if config[K.R_VALUE] == 0 and config[K.R_MODE] >= K.FIRST_LEXICAL and config[K.R_MODE] <= K.M_CONTENT:
        weighs = True  # a name: one that is required brings the end nearer
    if not weighs or config[K.R_MODE] in _STRUCTURAL:
        for part in _candidates(automaton, config):
            found = automaton.read_spaced(config, part)
            if found is not None and found[1] != config:
                return found
        raise _not_found(automaton)
    return _best_part(automaton, config)


def _not_found(automaton: DocumentAutomaton) -> LimitError:
    """There is an end to every configuration, but the search for it is budgeted."""
    return LimitError(
        "no way to end the document was found within the budget of the search",
        what="searches given up",
        given=automaton.witness.n_assumed,
        limit=0,
        hint="simplify alternatives, negations and dependencies of objects",
    )


def _best_part(automaton: DocumentAutomaton, config: tuple[Any, ...]) -> Step:
    """The part after which the frame is closed soonest: here it matters which name it is, or which verdict."""
    found: list[tuple[float, int, bytes, tuple[Any, ...]]] = []
    keeps_names = type(config[-1]) is Names
    keeps_text = type(config[-1]) is bytes and config[K.R_MODE] == K.M_CONTENT
    for n_tried, part in enumerate(_candidates(automaton, config)):
        if found and n_tried >= (FEW_COMPARED if keeps_names or keeps_text else MOST_COMPARED):
            break
        step = automaton.read_spaced(config, part)
        if step is not None and step[1] != config:
            cost = _cost(automaton, step[1])
            found.append((math.inf if cost is None else len(part) + cost, len(found), *step))
            if part in (b"]", b"}") or (config[K.R_MODE] == K.M_FREE and not keeps_names):
                break  # nothing is nearer; all texts of a string that may be any are alike
    if not found:
        raise _not_found(automaton)
    _, _, part, after = min(found)
    return part, after


def _cost(automaton: DocumentAutomaton, config: tuple[Any, ...]) -> int | None:
    """Bytes until the innermost frame is closed; None where that is not known."""
    mode = config[K.R_MODE]
    if mode == K.M_END:
        return 0
    if mode == K.M_AFTER:
        texts = automaton.witness.completions(config[K.R_FRAME], config[K.R_COUNT], first=False)
        return min(map(len, texts.values()), default=None)
    is_open = type(config[-1]) is Digits and not automaton.keeping.is_right(config[-1])
    if mode == K.M_NUMBER and automaton.tables.arena.number_label[config[K.R_A]] and not is_open:
        return _cost(automaton, automaton.keeping.number_ended(config))
    parts: list[bytes] = []
    if mode == K.M_COLON:
        parts = [b":"]
    elif mode == K.M_VALUE:
        parts = list(automaton.witness.outcomes(config[K.R_VALUE]).values())
    costs = []
    for part in parts:
        step = automaton.read_spaced(config, part)
        cost = None if step is None else _cost(automaton, step[1])
        if cost is not None:
            costs.append(len(part) + cost)
    return min(costs, default=None)


def _candidates(automaton: DocumentAutomaton, config: tuple[Any, ...]) -> Any:
    """Parts to try next, the better ones first; where names are kept, also with new names for those that have come."""
    parts = _parts(automaton, config)
    if type(config[-1]) is not Names or config[K.R_MODE] not in _STRUCTURAL:
        yield from parts
        return
    for part in parts:
        yield part
        renamed = automaton.keeping.renamed(config, part)
        if renamed is not None and renamed != part:
            yield renamed


def _parts(automaton: DocumentAutomaton, config: tuple[Any, ...]) -> Any:
    mode = config[K.R_MODE]
    witness = automaton.witness
    frame, register = config[K.R_FRAME], config[K.R_COUNT]
    if mode == K.M_COLON:
        yield b":"
    elif mode == K.M_VALUE:
        yield from sorted(witness.outcomes(config[K.R_VALUE]).values(), key=len)
        guess = automaton.guess(config[K.R_VALUE])
        if guess is not None:
            yield guess
    elif mode in (K.M_FIRST_KEY, K.M_FIRST_ITEM):
        # A line that has been begun is a member's.
        begun = automaton.is_pretty and config[K.R_B] > 0
        yield from _closings(witness.completions(frame, register, first=not begun, comma=begun))
    elif mode == K.M_KEY:
        yield from _closings(witness.completions(frame, register, first=False, comma=True))
    elif mode == K.M_AFTER:
        yield from _closings(witness.completions(frame, register, first=False))
    elif mode == K.M_WORD:
        yield _WORDS[config[K.R_A]][config[K.R_B] :]
    elif mode == K.M_NUMBER:
        yield from _number_ends(automaton, config)
    else:
        yield from _string_ends(automaton, config)
        if len(config) > K.CONFIG_WIDTH and not config[K.R_ESC]:
            yield from (escaped(text) + b'"' for text in automaton.keeping.other_endings(config))


def _closings(texts: dict[int, bytes]) -> Iterator[bytes]:
    """Ways to close a frame, shorter ones first; then their members alone.

    A search that gave up has members which lead on, and assumes that they can be followed by the bracket. Where they
    cannot, the next search goes on behind them.
    """
    found = sorted(texts.values(), key=len)
    yield from found
    yield from (text[:-1] for text in found if len(text) > 1)


def _number_ends(automaton: DocumentAutomaton, config: tuple[Any, ...]) -> Any:
    """Digits to the nearest end of each verdict; a delimiter where the number is complete as it stands."""
    texts = list(automaton.witness.shortest.numbers(config[K.R_A]).values())
    if type(config[-1]) is Digits:
        ending = automaton.tables.number_judges[config[-1].value].ending(config[-1].raw.decode())
        texts = [] if ending is None else [ending.encode()]
    if b"" in texts:
        kind = int(automaton.tables.frames[config[K.R_FRAME], K.F_KIND])
        is_array = kind in (K.PLAIN_ARRAY, K.GENERAL_ARRAY, K.KEEPING_ARRAY)
        yield from ((b"]", b",") if is_array else (b"}", b","))
    yield from sorted(filter(None, texts), key=len)


def _string_ends(automaton: DocumentAutomaton, config: tuple[Any, ...]) -> Any:
    if config[K.R_ESC]:
        yield from _escape_ends(automaton, config)
        return
    tables = automaton.tables
    is_name = config[K.R_VALUE] == 0
    frame = config[K.R_FRAME]
    spec = int(tables.frames[frame, K.F_KEYS] if is_name else tables.values[config[K.R_VALUE], K.T_STRING])
    mode, place, n = config[K.R_MODE], config[K.R_A], config[K.R_B]
    if mode == K.M_FREE:
        if tables.specs[spec, K.SPEC_KIND] == K.BY_LENGTH:
            missing_of = automaton.witness.shortest.missing_lengths(spec, n)
            yield from (_CONTINUATION[place] + b"a" * missing + b'"' for missing in missing_of)
            return
        missing = max(0, int(tables.specs[spec, K.SPEC_MIN]) - n) if tables.specs[spec, K.SPEC_COUNTS] else 0
        yield _CONTINUATION[place] + b"a" * missing + b'"'
        yield from (_CONTINUATION[place] + bytes([letter]) + b'"' for letter in range(97, 123))
        return
    if mode == K.M_CONTENT:
        allowed = -1
        if is_name and tables.frames[frame, K.F_AVAILABLE] < 0:
            allowed = int(tables.frames[frame, K.F_HIGH]) & ~config[K.R_COUNT]
        texts = automaton.witness.shortest.content(place, n, spec, allowed)
        yield from (escaped(text) + b'"' for text in sorted(texts.values(), key=len))
        return
    literals = {index: automaton.witness.shortest.literal(index) for index in range(place, n)}
    prefix = literals[place][: config[K.R_C]]
    meant = list(literals.values())
    if is_name and tables.frames[frame, K.F_KIND] == K.PLAIN_OBJECT:
        left = int(tables.frames[frame, K.F_HIGH]) & ~config[K.R_COUNT]
        labels = tables.lit_label[place:n].tolist()
        meant = [text for text, label in zip(meant, labels, strict=True) if (left >> (label - 1)) & 1]
    yield from (escaped_tail(text, config[K.R_C]) + b'"' for text in sorted(meant, key=len))
    yield escaped_tail(_outside(set(literals.values()), prefix), len(prefix)) + b'"'


def escaped_tail(text: bytes, behind: int) -> bytes:
    """The rest of a constant after ``behind`` decoded bytes."""
    return escaped(text[behind:])


def _escape_ends(automaton: DocumentAutomaton, config: tuple[Any, ...]) -> Any:
    """One byte that keeps the escape alive, simple ones first."""
    for byte in b'nu"\\/bfrt0123456789abcdefABCDEF':
        yield bytes([byte])
