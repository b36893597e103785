"""Reading where the text itself matters, not only what an automaton makes of it.

Four things of JSON Schema are not regular, or not for an automaton of bearable size. ``uniqueItems`` compares the
values of finished items. ``minProperties`` counts different names: those that a schema does not declare have no bit
in any register, so while their number may still decide, the names are kept and none may come twice. Some
formats (``xn--`` labels of host names, regular expressions) take a judge of the whole text where their automaton
cannot be sure, as do divisors with too many remainders.

A configuration then has *keepers* behind its registers, one per open array or object that keeps something and one
for the string or number at hand, outermost first: the bytes of the current item, the ``Names`` of an object, the
``Text`` of a string, the ``Digits`` of a number. The kernel stops where a keeper begins; from there on bytes are
read one by one, here, and the text of strings from one quote or backslash to the next.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from structgen.automata.document.comparing import Begun, begun_of, strings_of
from structgen.automata.document.endings import endings
from structgen.automata.document.hosts import host_reader
from structgen.automata.document.judge import parsed
from structgen.automata.document.judged_numbers import NumberJudge
from structgen.automata.document.shortest import escaped
from structgen.automata.document.texts import decoded
from structgen.kernels import document as K
from structgen.kernels.document_text import string_label

if TYPE_CHECKING:
    from structgen.automata.document.automaton import DocumentAutomaton

__all__ = ["Digits", "Keeping", "Names", "Text"]

Config = tuple[Any, ...]
Registers = npt.NDArray[np.int64]
MOST_RENAMED = 32
MOST_LIKELY = 100
"""Endings of one kind among them."""
MOST_TRIED = 600
"""Endings of a string that are put before its judge."""
_TEXT = re.compile(rb'[^"\\]*')
_ENDS_NUMBER = frozenset(b",]} \t\r\n")


class Names(NamedTuple):
    """The undeclared names of an open object whose number may still decide."""

    cell: int
    """The stack cell of the object."""
    names: tuple[bytes, ...]
    text: bytes
    """The name being read, as it stands in the document, without quotes."""


class Digits(NamedTuple):
    """A number that is judged as a whole, so far, and the value context that it stands in."""

    raw: bytes
    value: int


class Text(NamedTuple):
    """A string that is judged as a whole, as it stands in the document so far, without quotes."""

    raw: bytes


def _in_string(config: Config) -> bool:
    return bool(K.M_FREE <= config[K.R_MODE] <= K.M_CONTENT)


def _end_of_string(text: bytes, at: int) -> int:
    """The place of the quote that closes the string whose content begins at ``at``."""
    while text[at] != 34:
        at += 2 if text[at] == 92 else 1
    return at


def _string_at_hand(item: bytes) -> Begun:
    """An item that is a string, as far as it has been read."""
    begun = begun_of(item[item.index(b'"') + 1 :])
    assert begun is not None, "it has been read"
    return begun


class Keeping:
    """The byte-wise reading of one automaton."""

    def __init__(self, automaton: DocumentAutomaton) -> None:
        self._automaton = automaton
        self._miss = np.zeros(3, np.int64)

    def read(self, config: Config, data: bytes) -> Config | None:
        """The configuration after ``data``; None where no document goes on so.

        What can be gone on with is asked behind the last byte alone: nothing good comes of a bad beginning.
        """
        current: Config | None = config
        at, n = 0, len(data)
        while at < n and current is not None:
            end = _TEXT.match(data, at).end() if _in_string(current) and not current[K.R_ESC] else at  # type: ignore[union-attr]
            if end > at + 1:
                current = self._step_text(current, data[at:end], end == n)
                at = end
            else:
                at += 1
                current = self._step(current, data[at - 1], at == n)
        return current

    def _step_text(self, config: Config, text: bytes, is_last: bool) -> Config | None:
        """The configuration after bytes of one string, at once, of which none ends it or begins an escape."""
        plain = config[: K.CONFIG_WIDTH]
        data = np.frombuffer(bytearray(text), np.uint8)  # writeable, as kernels know it
        while True:
            regs = self._automaton.registers(plain)
            regs[K.R_KEPT] = 2
            status = K.run(regs, np.empty_like(regs), data, 0, *self._automaton.tables.arguments, self._miss)[0]
            if status != K.MISSING:
                break
            self._automaton.fill(*self._miss.tolist())
        if status == K.DIES:
            return None
        assert status == K.GOES, "no item is done within a string"
        return self._noted(plain, self._automaton.interned(regs), config[K.CONFIG_WIDTH :], text, is_last)

    def _step(self, config: Config, byte: int, is_last: bool) -> Config | None:
        """The configuration after one byte."""
        plain, kept = config[: K.CONFIG_WIDTH], config[K.CONFIG_WIDTH :]
        label = 0
        if byte in _ENDS_NUMBER and kept and type(kept[-1]) is Digits:
            if not self.is_right(kept[-1]):
                return None
            kept = kept[:-1]
        if plain[K.R_MODE] == K.M_NUMBER and byte in _ENDS_NUMBER and not self._keeps(plain):
            # The byte ends a number, and only then the item or member around it.
            ended = self._number_ended(plain)
            if ended is None:
                return None
            plain, kept = ended, self._settled(ended, kept)
        elif byte == 34 and kept and _in_string(plain) and not plain[K.R_ESC]:
            closed = self._string_ends(plain, kept)
            if closed is None:
                return None
            kept, label = closed
        while True:
            regs = self._automaton.registers(plain)
            regs[K.R_KEPT] = 2
            status = self._kernel_step(regs, byte, label)
            if status == K.MISSING:
                self._automaton.fill(*self._miss.tolist())
                continue
            if status == K.DIES:
                return None
            if status == K.GOES:
                return self._noted(plain, self._automaton.interned(regs), kept, bytes([byte]), is_last)
            found = self._item_done(plain, kept, byte, label)
            if found is None:
                return None
            plain, kept, consumed = found
            if consumed:
                return (*plain, *kept)

    def _kernel_step(self, regs: Registers, byte: int, label: int) -> int:
        tables = self._automaton.tables
        if label and regs[K.R_VALUE]:
            return int(K.end_value(regs, np.int64(label), tables.frames, tables.keys, tables.results, self._miss))
        if label:
            arrays = (tables.frames, tables.children, tables.keys, tables.results)
            return int(K.end_name(regs, np.int64(label), *arrays, self._miss))
        data = np.array([byte], np.uint8)
        return int(K.run(regs, np.empty_like(regs), data, 0, *tables.arguments, self._miss)[0])

    def number_ended(self, config: Config) -> Config:
        """The configuration with the number at hand taken as complete; it is known to be."""
        found = self._number_ended(config[: K.CONFIG_WIDTH])
        assert found is not None
        return found

    def _number_ended(self, plain: Config) -> Config | None:
        tables = self._automaton.tables
        if not tables.arena.number_label[plain[K.R_A]]:
            return None
        while True:
            regs = self._automaton.registers(plain)
            status = K.end_number(
                regs, tables.arena.number_label, tables.frames, tables.keys, tables.results, self._miss
            )
            if status == K.DIES:
                return None
            if status != K.MISSING:
                return self._automaton.interned(regs)
            self._automaton.fill(*self._miss.tolist())

    # -- keepers -------------------------------------------------------------------------------

    def _noted(self, before: Config, after: Config, kept: Config, data: bytes, is_last: bool) -> Config | None:
        """``after`` with its keepers, after a byte that ended no item that is kept, or more of them within a string."""
        was_string, is_string = _in_string(before), _in_string(after)
        pushed = before[K.R_CELL] != after[K.R_CELL]
        if pushed and data in (b"]", b"}") and self._keeper_of(before, kept) is not None:
            kept = kept[:-1]
        kept = tuple(keeper + data if type(keeper) is bytes else keeper for keeper in kept)
        last = kept[-1] if kept else None
        if type(last) is bytes:
            if is_last and is_string and not self._has_new_item(after, last):
                return None
        elif type(last) is Text:
            last = Text(last.raw + data)
            if is_last and not self._may_go_on(after, last):
                return None
            kept = (*kept[:-1], last)
            names = kept[-2] if len(kept) > 1 and not after[K.R_VALUE] else None
            if type(names) is Names and names.cell == after[K.R_CELL]:
                names = names._replace(text=last.raw)
                if is_last and not self._has_new_name(after, names):
                    return None
                kept = (*kept[:-2], names, last)
        elif type(last) is Digits:
            last = Digits(last.raw + data, last.value)
            if is_last and not self._judge(last).may_go_on(last.raw.decode()):
                return None
            kept = (*kept[:-1], last)
        elif type(last) is Names and is_string and after[K.R_VALUE] == 0 and last.cell == after[K.R_CELL]:
            last = last._replace(text=last.text + data if was_string else b"")
            if is_last and not self._has_new_name(after, last):
                return None
            kept = (*kept[:-1], last)
        if pushed and data == b"[" and self._keeps(after):
            kept = (*kept, b"")
        elif pushed and data == b"{" and self._counts(after):
            kept = (*kept, Names(after[K.R_CELL], (), b""))
        elif is_string and not was_string and self.is_judged(after):
            kept = (*kept, Text(b""))
        elif after[K.R_MODE] == K.M_NUMBER != before[K.R_MODE] and self._is_judged_number(after):
            number = Digits(data, after[K.R_VALUE])
            if is_last and not self._judge(number).may_go_on(number.raw.decode()):
                return None
            kept = (*kept, number)
        return (*after, *self._settled(after, kept))

    def _keeper_of(self, config: Config, kept: Config) -> Any:
        """The keeper of the innermost open container, if it has one."""
        last = kept[-1] if kept else None
        if type(last) is Names:
            return last if last.cell == config[K.R_CELL] else None
        return last if type(last) is bytes and self._keeps(config) else None

    def _settled(self, config: Config, kept: Config) -> Config:
        """The keepers without the names of an object whose number can decide nothing any more."""
        if kept and type(kept[-1]) is Names and kept[-1].cell == config[K.R_CELL] and not self._counts(config):
            return kept[:-1]
        return kept

    def _keeps(self, config: Config) -> bool:
        return self._automaton.keeps_items(config[K.R_FRAME])

    def _counts(self, config: Config) -> bool:
        row = self._automaton.tables.frames[config[K.R_FRAME]]
        return bool(row[K.F_KIND] == K.GENERAL_OBJECT and row[K.F_LOW])

    def is_judged(self, config: Config) -> bool:
        """Whether the string at hand is judged as a whole."""
        tables = self._automaton.tables
        if config[K.R_MODE] != K.M_CONTENT:
            return False
        value = config[K.R_VALUE]
        spec = tables.values[value, K.T_STRING] if value else tables.frames[config[K.R_FRAME], K.F_KEYS]
        return bool(tables.specs[spec, K.SPEC_LABEL])

    # -- numbers -------------------------------------------------------------------------------

    def _is_judged_number(self, config: Config) -> bool:
        return bool(self._automaton.tables.arena.numbers[config[K.R_A], K.NUMBER_JUDGED])

    def _judge(self, number: Digits) -> NumberJudge:
        return self._automaton.tables.number_judges[number.value]

    def is_right(self, number: Digits) -> bool:
        """Whether a number may end as it stands."""
        return self._judge(number).accepts(number.raw.decode())

    # -- strings -------------------------------------------------------------------------------

    def _string_ends(self, plain: Config, kept: Config) -> tuple[Config, int] | None:
        """The keepers after a closing quote, and the label if it is not the automaton's; None where it may not come."""
        last, label = kept[-1], 0
        if type(last) is Text:
            judge = self._automaton.tables.judged.get(plain[K.R_A])
            kept = kept[:-1]
            if judge is not None:
                content = decoded(last.raw)
                label = 0 if content is None else judge.label(content.decode())
                if not label:
                    return None
            if plain[K.R_VALUE] or not kept:
                return kept, label
            last = kept[-1]
        if type(last) is Names and plain[K.R_VALUE] == 0 and last.cell == plain[K.R_CELL]:
            name = decoded(last.text)
            if name is None or name in last.names:
                return None
            names = last.names
            if name not in self._declared(plain):
                names = tuple(sorted((*names, name)))
            return (*kept[:-1], Names(last.cell, names, b"")), label
        return kept, label

    def _declared(self, config: Config) -> Any:
        return self._automaton.general_objects.states[config[K.R_FRAME]].shape.keys.names

    def _may_go_on(self, config: Config, text: Text) -> bool:
        """Whether what a judge has read so far can still come to a good end, as far as it says."""
        judges = self._automaton.tables.beginnings_of(config[K.R_A])
        if not judges:
            return True
        readers = [host_reader(judge) for judge in judges]
        if not all(reader.may_go_on(text.raw) for reader in readers if reader is not None):
            return False
        others = [judge for judge, reader in zip(judges, readers, strict=True) if reader is None]
        content = decoded(text.raw) if others and not config[K.R_ESC] else None
        try:
            return content is None or all(judge(content.decode()) for judge in others)
        except UnicodeDecodeError:
            return True  # in the middle of a character

    def _has_new_name(self, config: Config, keeper: Names) -> bool:
        """Whether a name that starts so can be one that has not come yet."""
        if config[K.R_MODE] != K.M_CONTENT or config[K.R_ESC]:
            return True
        begun = decoded(keeper.text)
        if begun is None or not any(name.startswith(begun) for name in keeper.names):
            return True
        return any(begun + rest not in keeper.names for rest in self._name_endings(config))

    def _name_endings(self, config: Config, only: int = 0) -> Iterator[bytes]:
        row = self._automaton.tables.frames[config[K.R_FRAME]]
        allowed = -1
        if row[K.F_AVAILABLE] < 0:
            allowed = int(row[K.F_HIGH]) & ~config[K.R_COUNT]
        return endings(self._automaton.tables.arena, config[K.R_A], allowed, only)

    def _likely(self, config: Config, more: bytes = b"") -> Iterator[bytes]:
        """Endings behind ``more`` that those know who know the formats."""
        begun = decoded(config[-1].raw)
        if begun is not None:
            for judge in self._automaton.tables.ways_of(config[K.R_A]):
                found = judge.endings((begun + more).decode("utf-8", "ignore"))
                yield from (more + ending.encode() for ending in found)

    def _judged_endings(self, config: Config) -> Iterator[bytes]:
        """Endings of a string that is judged: likely ones, those that the automaton knows mended, then these alone."""
        arena, row = self._automaton.tables.arena, config[K.R_A]
        yield from islice(self._likely(config), MOST_LIKELY)
        if self._automaton.tables.ways_of(row):
            for ending in islice(endings(arena, row), MOST_LIKELY):
                yield from islice(self._likely(config, ending), 3)
        yield from islice(endings(arena, row), MOST_TRIED)

    def other_endings(self, config: Config, only: int = 0) -> Iterator[bytes]:
        """Further decoded contents that may end the string at hand, for where shortest ones are refused.

        ``only``: names of one class.
        """
        last = config[-1]
        found: Iterator[bytes]
        if type(last) is Text:
            yield from self._judged_endings(config)
            return
        if type(last) is bytes and self._keeps(config):
            yield from islice(self._item_endings(config), MOST_TRIED)
            return
        if type(last) is not Names or last.cell != config[K.R_CELL] or config[K.R_VALUE]:
            return
        elif config[K.R_MODE] == K.M_CONTENT:
            found = self._name_endings(config, only)
        else:
            found = (str(number).encode() for number in range(len(last.names) + len(self._declared(config)) + 1))
        yield from islice(found, MOST_TRIED)

    def renamed(self, config: Config, text: bytes) -> bytes | None:
        """``text`` with names that have come already replaced by new ones; None where that does not work out."""
        found = b""
        at = 0
        while at < len(text):
            last = config[-1]
            at_name = config[K.R_MODE] in (K.M_KEY, K.M_FIRST_KEY) and text[at] == 34
            if at_name and type(last) is Names and last.cell == config[K.R_CELL]:
                end = _end_of_string(text, at + 1)
                name = decoded(text[at + 1 : end])
                if name in last.names:
                    opened = self._automaton.read_spaced(config, b'"')
                    rest = None if opened is None else self._other_name(opened[1], name, text[end + 1 :])
                    return None if rest is None else found + b'"' + rest
            step = self._automaton.read_spaced(config, text[at : at + 1])
            if step is None:
                return None
            found, config, at = found + text[at : at + 1], step[1], at + 1
        return found

    def _other_name(self, opened: Config, name: bytes, rest: bytes) -> bytes | None:
        """A new name of the class of ``name``, its quote, and ``rest`` after it."""
        for content in islice(self.other_endings(opened, self._label(opened, name)), MOST_RENAMED):
            ending = escaped(content) + b'"'
            after = self._automaton.read(opened, ending)
            tail = None if after is None else self.renamed(after, rest)
            if tail is not None:
                return ending + tail
        return None

    def _label(self, opened: Config, name: bytes) -> int:
        """The class of a name that an automaton reads, from 1; 0 where names are not read by one."""
        if opened[K.R_MODE] != K.M_CONTENT:
            return 0
        after = self._automaton.tables.arena.follow(opened[K.R_A], name)
        return int(self._automaton.tables.arena.content[after, K.C_LABEL])

    # -- items ---------------------------------------------------------------------------------

    def _has_new_item(self, config: Config, item: bytes) -> bool:
        """Whether the item at hand, if it is a string, can be one that has not come yet."""
        automaton = self._automaton
        frame = config[K.R_FRAME]
        if not self._keeps(config):
            return True
        state = automaton.arrays.states[frame]
        comparing = automaton.arrays.comparing
        if not state.kept or not comparing.spec(state):
            return True
        begun, spec = _string_at_hand(item), int(automaton.tables.values[config[K.R_VALUE], K.T_STRING])
        return comparing.may_differ(spec, config[K.R_A], begun, strings_of(state.kept))

    def _item_endings(self, config: Config) -> Iterator[bytes]:
        """Decoded contents that may end the string at hand, which is an item that is compared."""
        tables = self._automaton.tables
        if config[K.R_MODE] == K.M_CONTENT:
            yield from endings(tables.arena, config[K.R_A])
        elif config[K.R_MODE] == K.M_LITERAL:
            state = self._automaton.arrays.states[config[K.R_FRAME]]
            begun = _string_at_hand(config[-1])
            spec = int(tables.values[config[K.R_VALUE], K.T_STRING])
            yield from self._automaton.arrays.comparing.rests(spec, begun.content, strings_of(state.kept))
        else:
            n_kept = len(self._automaton.arrays.states[config[K.R_FRAME]].kept)
            yield from (str(number).encode() for number in range(n_kept + 1))

    def _item_done(self, plain: Config, kept: Config, byte: int, label: int) -> tuple[Config, Config, bool] | None:
        """Step the innermost keeping array on its finished item; whether ``byte`` belonged to the item."""
        automaton = self._automaton
        consumed = plain[K.R_MODE] != K.M_NUMBER
        regs = automaton.registers(plain)
        verdict, parent_kept = self._verdict(regs, plain, kept)
        label = label or verdict
        if label == 0:
            return None
        text = parent_kept[-1] + (bytes([byte]) if consumed else b"")
        value = parsed(text.lstrip(b" \t\n\r,"))
        frame = automaton.after_item(int(regs[K.R_FRAME]), label, value)
        if not frame:
            return None
        regs[K.R_FRAME] = frame
        regs[K.R_MODE] = K.M_AFTER
        for register in (K.R_A, K.R_B, K.R_C, K.R_VALUE, K.R_ESC):
            regs[register] = 0
        outer = parent_kept[:-1]
        if consumed:
            outer = tuple(keeper + bytes([byte]) if type(keeper) is bytes else keeper for keeper in outer)
        kept = (*outer, b"") if automaton.keeps_items(frame) else outer
        return automaton.interned(regs), kept, consumed

    def _verdict(self, regs: Registers, plain: Config, kept: Config) -> tuple[int, Config]:
        """The label of the item that ends, with ``regs`` moved to the array's frame."""
        mode = int(regs[K.R_MODE])
        tables = self._automaton.tables
        if mode == K.M_NUMBER:
            return int(tables.arena.number_label[regs[K.R_A]]), kept
        if mode == K.M_WORD:
            return int(regs[K.R_C]), kept
        if mode >= K.M_FREE:
            return int(string_label(regs, *tables.arguments[:12])), kept
        frame, cell = int(regs[K.R_FRAME]), int(regs[K.R_CELL])
        label = int(tables.frames[frame, K.F_CLOSE])
        if self._keeper_of(plain, kept) is not None:
            kept = kept[:-1]
        regs[K.R_FRAME], regs[K.R_COUNT], regs[K.R_CELL] = tables.cells[cell].tolist()
        return label, kept
