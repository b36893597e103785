"""Completions in tokens, and what is known of them.

A *plan* is tokens that end the document. Masks within a budget promise that one fits, so a plan that a mask counted on
is kept, and the rest of a plan is a plan: what would be found from there on may be longer, since completions are
shortest in bytes, and in general objects not always that. Plans are found from near to far: one that is known, a
completion found lately that can be read here too (most ends are alike), and only then a search.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from structgen.vocab.vocabulary import Vocabulary

if TYPE_CHECKING:
    from structgen.masks.document_machine import DocumentMachine

__all__ = ["Plan", "Plans"]

Plan = tuple[int, ...]
MOST_SOUGHT = 8
"""Completions sought for one mask."""
MOST_RECENT = 5
"""Completions that are read where one is needed."""
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
        self._left = 0
        """Completions that may still be sought for this mask."""

    def begin_mask(self) -> None:
        """Allow as many searches as one mask may take."""
        self._left = MOST_SOUGHT

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
        found = self._within(config, most)
        if found is None:
            found, counted_on = self.completion(config), self._counted_on.get(config)
            if counted_on is not None and len(counted_on) < len(found):
                found = counted_on
        self._counted_on.put(config, found)
        return found

    def fits(self, config: Any, most: int) -> bool:
        """Whether a plan of at most ``most`` tokens is found by the searches that are left; if so, it is counted on."""
        found = self._within(config, most)
        if found is None and self._left and self._sought.get(config) is None:
            self._left -= 1
            found = self.completion(config)
        if found is None or len(found) > most:
            return False
        self._counted_on.put(config, found)
        return True

    def count_on(self, config: Any, plan: Plan) -> None:
        """Keep a plan, unless a shorter one is counted on."""
        other = self._counted_on.get(config)
        if other is None or len(plan) < len(other):
            self._counted_on.put(config, plan)

    def _within(self, config: Any, most: int) -> Plan | None:
        """A plan of at most ``most`` tokens that is known or can be read."""
        found = self._counted_on.get(config)
        if found is not None and len(found) <= most:
            return found
        found = self._sought.get(config)
        if found is None:
            return self._read_recent(config, most)
        return found if len(found) <= most else None

    def _spelled_like(self, text: bytes) -> Plan:
        """``text`` in tokens, with the end of a long one spelled as the end of one found lately: they share most."""
        encode = self._vocabulary.encode_fewest
        for other, plan in self._recent[:2]:
            shared = _shared_end(text, other) if len(text) > LONG else 0
            lengths = [len(self._vocabulary.tokens[token]) for token in plan] if shared > len(text) // 2 else []
            n_tokens, n_bytes = 0, 0
            while n_tokens < len(lengths) and n_bytes + lengths[-1 - n_tokens] <= shared:
                n_tokens += 1
                n_bytes += lengths[-n_tokens]
            if n_tokens:
                return (*encode(text[: len(text) - n_bytes]), *plan[-n_tokens:])
        return tuple(encode(text)) if text else ()

    def _note(self, text: bytes, plan: Plan) -> None:
        """Put a completion before the others found lately."""
        self._recent = [(text, plan), *(other for other in self._recent if other[0] != text)][:MOST_RECENT]

    def _read_recent(self, config: Any, most: int) -> Plan | None:
        """A completion of up to ``most`` tokens among those found lately."""
        automaton = self._machine.automaton
        if automaton.is_accepting(config):
            return ()
        for at, (text, plan) in enumerate(self._recent):
            if len(plan) <= most:
                after = automaton.read(config, text)
                if after is not None and automaton.is_accepting(after):
                    if at:
                        self._note(text, plan)
                    return plan
        return None


def _shared_end(text: bytes, other: bytes) -> int:
    """Bytes that two texts have in common at their ends."""
    n = min(len(text), len(other))
    a, b = (np.frombuffer(part, np.uint8, n, len(part) - n)[::-1] for part in (text, other))
    differ = a != b
    return int(differ.argmax()) if differ.any() else n
