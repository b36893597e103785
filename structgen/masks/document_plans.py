"""Completions in tokens, and what is known of them.

A *plan* is tokens that end the document. Masks within a budget promise that one fits, so a plan that a mask counted on
is kept, and the rest of a plan is a plan: what would be found from there on may be longer, since completions are
shortest in bytes, and in general objects not always that. Plans are found from near to far: one that is known, a
completion found lately that can be read here too (most ends are alike), and only then a search.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from structgen.automata.document.alike_names import EndedName
from structgen.errors import LimitError
from structgen.kernels import document as K
from structgen.kernels.document_landing import ASK, DIED, ENDS, end_with
from structgen.vocab.vocabulary import Vocabulary

if TYPE_CHECKING:
    from structgen.masks.document_machine import DocumentMachine

__all__ = ["Plan", "Plans"]

Plan = tuple[int, ...]
MOST_SOUGHT = 8
"""Completions sought for one mask."""
MOST_RECENT = 5
"""Completions that are read where one is needed."""
WORTH_A_KERNEL = 4
"""Configurations that are read together rather than one by one."""
LONG = 500
"""Bytes of a completion that is spelled in part only."""
MOST_KNOWN = 1 << 14


class _Kept:
    """Plans by configuration; what was put or got among the last ``MOST_KNOWN`` is there."""

    __slots__ = ("_old", "_young")

    def __init__(self) -> None:
        self._young: dict[Any, Plan] = {}
        self._old: dict[Any, Plan] = {}

    def get(self, config: Any) -> Plan | None:
        found = self._young.get(config)
        if found is None:
            found = self._old.get(config)
            if found is not None:
                self.put(config, found)
        return found

    def put(self, config: Any, plan: Plan) -> None:
        if len(self._young) >= MOST_KNOWN:
            self._old, self._young = self._young, {}
        self._young[config] = plan


class Plans:
    """Plans of one machine's configurations."""

    def __init__(self, machine: DocumentMachine) -> None:
        self._machine = machine
        self._vocabulary: Vocabulary = machine.vocabulary
        self._counted_on = _Kept()
        self._sought = _Kept()
        self._recent: list[tuple[bytes, Plan]] = []

    def completion(self, config: Any) -> Plan:
        """Tokens of the shortest completion in bytes."""
        found = self._sought.get(config)
        if found is None:
            text = self._machine.shortest_completion(config)
            found = self._spelled_like(text)
            self._sought.put(config, found)
            self._note(text, found)
        return found

    def of(self, config: Any, most: int) -> Plan:
        """A plan of at most ``most`` tokens if one is found, else the shortest that is known; it is counted on."""
        plan = self._known_within(config, most)
        if plan is not None:
            return plan
        if not self.which_fit([config], [most])[0]:
            found, counted_on = self.completion(config), self._counted_on.get(config)
            if counted_on is None or len(found) < len(counted_on):
                self._counted_on.put(config, found)
        plan = self._counted_on.get(config)
        assert plan is not None
        return plan

    def which_fit(self, configs: Sequence[Any], most: Sequence[int]) -> list[bool]:
        """Per configuration whether a plan of at most so many tokens is found; those found are counted on.

        The plans known and the texts found lately are tried first, and then, in order, as many searches as one
        mask may take; what a search finds is tried on the configurations that are left.
        """
        found = [self._known_within(config, n) for config, n in zip(configs, most, strict=True)]
        left = [at for at, plan in enumerate(found) if plan is None and self._sought.get(configs[at]) is None]
        for text, plan in self._recent if left else ():
            self._try_text(text, plan, configs, most, left, found)
        for _ in range(MOST_SOUGHT):
            if not left:
                break
            at = left.pop(0)
            try:
                plan = self.completion(configs[at])
            except LimitError:
                continue  # no end was found within the search's budget, so none can be promised
            if len(plan) <= most[at]:
                found[at] = plan
            self._try_text(*self._recent[0], configs, most, left, found)
        for config, counted_on in zip(configs, found, strict=True):
            if counted_on is not None:
                self._counted_on.put(config, counted_on)
        return [plan is not None for plan in found]

    def _try_text(
        self,
        text: bytes,
        plan: Plan,
        configs: Sequence[Any],
        most: Sequence[int],
        left: list[int],
        found: list[Plan | None],
    ) -> None:
        """Note ``plan`` in ``found`` where ``text`` ends a configuration among ``left``, and take it from there."""
        tried = [at for at in left if most[at] >= len(plan)]
        if not tried:
            return
        ended = self._ended_by([configs[at] for at in tried], text)
        if any(ended):
            for at, ends in zip(tried, ended, strict=True):
                if ends:
                    found[at] = plan
            left[:] = [at for at in left if found[at] is None]
            self._note(text, plan)

    def _ended_by(self, configs: list[Any], text: bytes) -> list[bool]:
        """Whether ``text`` ends the document, per configuration."""
        automaton = self._machine.automaton
        ended = np.full(len(configs), ASK, np.int64)
        plain = [at for at, config in enumerate(configs) if len(config) == K.CONFIG_WIDTH]
        if len(plain) >= WORTH_A_KERNEL:
            rows = np.array([configs[at] for at in plain], np.int64)
            regs, before = np.zeros((2, K.WIDTH), np.int64)
            answers = np.empty(len(plain), np.int64)
            data = np.frombuffer(text, np.uint8)
            end_with(rows, data, regs, before, answers, *automaton.tables.arguments, np.zeros(3, np.int64))
            ended[plain] = answers
        name = EndedName(automaton, text)
        known: dict[Any, int] = {}
        for at in np.flatnonzero(ended == ASK).tolist():
            alike = name.alike(configs[at])
            found = known.get(alike)
            if found is None:
                after = automaton.read(configs[at], text)
                found = known[alike] = ENDS if after is not None and automaton.is_accepting(after) else DIED
            ended[at] = found
        return (ended == ENDS).tolist()  # type: ignore[no-any-return]

    def count_on(self, config: Any, plan: Plan) -> None:
        """Keep a plan, unless a shorter one is counted on."""
        other = self._counted_on.get(config)
        if other is None or len(plan) < len(other):
            self._counted_on.put(config, plan)

    def _known_within(self, config: Any, most: int) -> Plan | None:
        """A plan of at most ``most`` tokens that is known."""
        if self._machine.is_accepting(config):
            return () if most >= 0 else None
        for plan in (self._counted_on.get(config), self._sought.get(config)):
            if plan is not None and len(plan) <= most:
                return plan
        return None

    def _spelled_like(self, text: bytes) -> Plan:
        """``text`` in tokens, with the end of a long one spelled as the end of one found lately: they share most."""
        encode = self._vocabulary.encode_fewest
        for other, plan in self._recent[:2] if len(text) > LONG else ():
            shared = _shared_end(text, other)
            if shared > len(text) // 2:
                ends = self._ends_of(plan)
                n_tokens = int(np.searchsorted(ends, shared, side="right"))
                if n_tokens:
                    return (*encode(text[: len(text) - int(ends[n_tokens - 1])]), *plan[-n_tokens:])
        return tuple(encode(text)) if text else ()

    def _ends_of(self, plan: Plan) -> npt.NDArray[np.int64]:
        """The bytes of the last token of ``plan``, of the last two, and so on."""
        ids = np.array(plan[::-1], np.int64)
        offsets = self._vocabulary.offsets
        return np.cumsum(offsets[ids + 1] - offsets[ids])

    def _note(self, text: bytes, plan: Plan) -> None:
        """Put a completion before the others found lately."""
        self._recent = [(text, plan), *(other for other in self._recent if other[0] != text)][:MOST_RECENT]


def _shared_end(text: bytes, other: bytes) -> int:
    """Bytes that two texts have in common at their ends."""
    n = min(len(text), len(other))
    a, b = (np.frombuffer(part, np.uint8, n, len(part) - n)[::-1] for part in (text, other))
    differ = a != b
    return int(differ.argmax()) if differ.any() else n
