"""A grammar's machine and monitors as one machine: the product.

A mask is the grammar's, cut down by each monitor. The monitor's gates give the tokens
that start well from here in one walk each. What is left to judge are tokens that open a
new site *inside* themselves, such as ``.total`` or ``().x`` after an expression. They
are found once per vocabulary (``LeadIns``): real vocabularies have thousands of tokens
behind a leading dot and a handful behind anything else, so a mask costs at most one or
two hypothetical analyses ("as if the text went on with a dot"), which are the very
queries the next step needs anyway. A group with fewer than ``min_group`` tokens is not
worth one: its tokens are left out of the mask, since shorter tokens spell the same text
(checked: every byte of the group is a token of its own) and are judged then.

A dead end, where grammar and names exclude each other, gives an empty mask; masking
reports it, weighted samplers give such sequences no weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from structgen.dtypes import WORD, TokenMask, freeze
from structgen.masks.machine import Config, TokenMachine
from structgen.masks.mask import mask_of, set_ids
from structgen.masks.words import words_taken
from structgen.monitors.call_rows import CallRows, Head
from structgen.monitors.dense import DenseWalk
from structgen.monitors.endings import Endings
from structgen.monitors.gates import BytesGate, Gate, NameSet, NamesGate
from structgen.monitors.lead_ins import LeadIn, LeadIns
from structgen.monitors.name_tables import NameTables, as_array
from structgen.monitors.per_vocabulary import PerVocabulary
from structgen.monitors.protocol import Monitor
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["FreeMachine", "MonitoredConfig", "MonitoredMachine"]


MIN_GROUP = 64
"""Tokens behind a lead-in for which it is asked what may follow. In the vocabularies of Llama 3, GPT-4o and
Gemma 3 only the plain dot has more; the others are prose (``).\\n``, `` ...``), and code spells them in two tokens."""
MOST_NARROWED = 4096
MOST_TAKEN = 50_000
NAME_ROOM = 64
"""Bytes that finish a name and its surroundings, with room to spare."""


@PerVocabulary
def whole_row(vocabulary: Vocabulary) -> TokenMask:
    """Bits of every token with bytes, and of the end."""
    row = mask_of(vocabulary.eos_ids, vocabulary.n_tokens)
    set_ids(row, vocabulary.trie.token_ids)
    return freeze(row, WORD)


def _has_calls(monitor: Monitor) -> bool:
    """Whether its dense gates are those of argument lists."""
    return bool(getattr(monitor, "has_calls", False))


class FreeMachine:
    """Any text; the machine under monitors when there is no grammar."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self._row = whole_row(vocabulary)

    def start(self) -> Config:
        return 0

    def fill_mask(self, config: Config, row: TokenMask) -> None:
        row[:] = self._row

    def advance(self, config: Config, token_id: int) -> Config | None:
        return 0 if 0 <= token_id < self.vocabulary.n_tokens and self.vocabulary.token_bytes(token_id) else None

    def advance_bytes(self, config: Config, data: bytes) -> Config | None:
        return 0

    def is_accepting(self, config: Config) -> bool:
        return True

    def forced_bytes(self, config: Config, limit: int = 256) -> bytes:
        return b""

    def shortest_completion(self, config: Config) -> bytes:
        return b""

    def completion_tokens(self, config: Config) -> tuple[int, ...]:
        return ()

    def fill_mask_within(self, config: Config, row: TokenMask, n_tokens: int) -> bool:
        row[:] = self._row if n_tokens >= 0 else mask_of(self.vocabulary.eos_ids, self.vocabulary.n_tokens)
        return True


class MonitoredConfig(NamedTuple):
    """The grammar's configuration and each monitor's state."""

    inner: Config
    states: tuple[Any, ...]


class MonitoredMachine:
    """A ``TokenMachine`` that allows what the inner machine and all monitors allow.

    Parameters
    ----------
    inner : the grammar's machine, or ``FreeMachine``
    monitors : what narrows it
    min_group : tokens behind a lead-in for which a hypothetical analysis is worth asking
    """

    def __init__(self, inner: TokenMachine, monitors: Sequence[Monitor], *, min_group: int = MIN_GROUP) -> None:
        self.inner = inner
        self.monitors = tuple(monitors)
        self.vocabulary: Vocabulary = inner.vocabulary
        self.min_group = min_group
        self._calls = CallRows.of(self.vocabulary) if any(map(_has_calls, self.monitors)) else None
        if self._calls is not None and (min_group == 1 or not self._calls.is_avoidable):
            self._calls = None  # exact: every token is walked
        self._lead_ins = tuple(
            None
            if monitor.is_dense and (self._calls is None or not _has_calls(monitor))
            else LeadIns.of(self.vocabulary, getattr(monitor, "sparse_triggers", monitor.triggers))
            for monitor in self.monitors
        )
        self._tables = NameTables.of(self.vocabulary)
        self._eos = freeze(mask_of(self.vocabulary.eos_ids, self.vocabulary.n_tokens), WORD)
        self._no_token = freeze(np.zeros(self.vocabulary.n_words, dtype=WORD), WORD)
        self._is_free = isinstance(inner, FreeMachine)
        self._narrowed: dict[tuple[NameSet, bytes, bytes, bytes, Config], Gate] = {}
        self._taken: dict[tuple[Config, bytes], bool] = {}
        self._ends = Endings(self)
        if hasattr(inner, "fill_mask_within"):
            self.fill_mask_within = self._ends.fill_mask_within
            self.completion_tokens = self._completion_tokens
        self.n_masks = 0
        self.constrained = [0] * len(self.monitors)
        """Masks at which each monitor had a gate."""

    @property
    def n_constrained(self) -> int:
        """Gates that stood at masks, summed over the monitors."""
        return sum(self.constrained)

    def start(self) -> MonitoredConfig:
        return MonitoredConfig(self.inner.start(), tuple(monitor.start() for monitor in self.monitors))

    # --- masks

    def fill_mask(self, config: Any, row: TokenMask) -> None:
        self.inner.fill_mask(config.inner, row)
        self.watch(config, row)

    def watch(self, config: Any, row: TokenMask, room: int | None = None) -> bool:
        """Cut the grammar's mask down to what the monitors allow; whether some gate stands here.

        With ``room``, names that take more tokens are left out.
        """
        self.n_masks += 1
        stands = False
        watched = zip(self.monitors, self._lead_ins, config.states, strict=True)
        for number, (monitor, table, state) in enumerate(watched):
            gates = self.gates(monitor, config.inner, state, 0, row, room)
            self.constrained[number] += bool(gates)
            stands = stands or bool(gates)
            for gate in gates:
                self._cut(gate, row)
            if table is not None:
                self._judge_lead_ins(monitor, table, config.inner, state, row, room)
                if self._calls is not None and _has_calls(monitor):
                    self._judge_calls(monitor, self._calls, gates, config.inner, state, row, room)
            elif monitor.live_triggers(state):
                DenseWalk(self.vocabulary, monitor, self).cut(config.inner, state, row)
        return stands

    def gates(
        self,
        monitor: Monitor,
        inner: Config,
        state: Any,
        node: int = 0,
        row: TokenMask | None = None,
        room: int | None = None,
    ) -> tuple[Gate, ...]:
        """The monitor's gates, without the names that the grammar cannot take here, or that take too many tokens.

        Those would be dead ends: a first letter that both allow, and no second. ``row``, a
        mask in which the grammar has its say, spares the grammar most questions: a name that
        is one token below trie ``node``, and allowed, is one that it takes.
        """
        gates = monitor.gates(state)
        if gates and not self._is_free:
            gates = tuple(
                self._narrowed_gate(gate, inner, node, row) if isinstance(gate, NamesGate) else gate for gate in gates
            )
        if gates and room is not None:
            limit = room
            gates = tuple(
                gate.within(lambda rest: len(rest) <= limit or len(self.vocabulary.encode_fewest(rest)) <= limit)
                if isinstance(gate, NamesGate)
                else gate
                for gate in gates
            )
        return gates

    def _narrowed_gate(self, gate: NamesGate, inner: Config, node: int, row: TokenMask | None) -> Gate:
        key = (gate.names, gate.typed, gate.blanks, gate.lifts, inner)
        found = self._narrowed.get(key)
        if found is None:
            names = gate.names
            answer = words_taken(self.inner, inner, names.data, as_array(gate.typed), len(names))
            if answer is None:
                known = None if row is None else gate.single_tokens(self._tables, node, row)
                found = gate.within(lambda rest: self._takes(inner, rest), known)
            else:
                taken, n_taken = answer
                found = gate if n_taken == len(names) else gate.within(lambda rest: False, taken)
            if len(self._narrowed) > MOST_NARROWED:
                self._narrowed.clear()
            self._narrowed[key] = found
        return found

    def _takes(self, inner: Config, data: bytes) -> bool:
        """Whether the grammar takes ``data``; remembered, for names and places in a grammar recur."""
        known = self._taken.get((inner, data))
        if known is None:
            known = self.inner.advance_bytes(inner, data) is not None
            if len(self._taken) >= MOST_TAKEN:
                self._taken.clear()
            self._taken[inner, data] = known
        return known

    def _cut(self, gate: Gate, row: TokenMask) -> None:
        gate.cut(self._tables, 0, self._eos if gate.may_end else self._no_token, row)

    def _judge_lead_ins(
        self, monitor: Monitor, table: LeadIns, inner: Config, state: Any, row: TokenMask, room: int | None
    ) -> None:
        opening = table.opening(monitor, state, self.min_group)
        if opening.kept is not None:
            row &= opening.kept
        for group in opening.groups:
            if not row[group.word] & group.mask[group.word] and not (row & group.mask).any():
                continue
            self._judge_behind(monitor, group, inner, state, row, room)

    def _judge_calls(
        self,
        monitor: Any,
        calls: CallRows,
        gates: tuple[Gate, ...],
        inner: Config,
        state: Any,
        row: TokenMask,
        room: int | None,
    ) -> None:
        """Judge tokens inside argument lists; see ``call_rows``."""
        place = monitor.place(state)
        if place not in ("code", "call"):
            row &= {"string": calls.in_string, "comment": calls.in_comment}.get(place, row)
            return
        row &= calls.in_call if place == "call" else calls.in_code
        if any(isinstance(gate, BytesGate) and not gate.allows(0x61) for gate in gates):
            row &= calls.blanks_only
        for head in calls.heads:
            if (row & head.mask).any():
                self._judge_behind(monitor, head, inner, state, row, room)

    def _judge_behind(
        self, monitor: Monitor, group: LeadIn | Head, inner: Config, state: Any, row: TokenMask, room: int | None
    ) -> None:
        """Judge the tokens of a group by the gates behind its bytes; the others in ``row`` stay."""
        after = monitor.advance(state, group.data)
        after_inner = None if after is None else self._inner_after(inner, group)
        if after_inner is None:
            row &= group.others
            return
        for gate in self.gates(monitor, after_inner, after, group.node, row, room):
            gate.cut(self._tables, group.node, group.others, row)

    def _inner_after(self, inner: Config, group: LeadIn | Head) -> Config | None:
        """The grammar's configuration behind a lead-in; machines remember what follows tokens."""
        if group.token_id >= 0:
            return self.inner.advance(inner, group.token_id)
        return self.inner.advance_bytes(inner, group.data)

    # --- steps

    def advance(self, config: Any, token_id: int) -> MonitoredConfig | None:
        inner = self.inner.advance(config.inner, token_id)
        return None if inner is None else self._step(inner, config, self.vocabulary.token_bytes(token_id))

    def advance_bytes(self, config: Any, data: bytes) -> MonitoredConfig | None:
        inner = self.inner.advance_bytes(config.inner, data)
        return None if inner is None else self._step(inner, config, data)

    def _step(self, inner: Config, config: Any, data: bytes) -> MonitoredConfig | None:
        states = []
        for monitor, state in zip(self.monitors, config.states, strict=True):
            after = monitor.advance(state, data)
            if after is None:
                return None
            states.append(after)
        return MonitoredConfig(inner, tuple(states))

    def skip(self, config: Any, token_id: int) -> MonitoredConfig:
        """The configuration after a token that the monitors forbid (the inner machine must be free)."""
        data = self.vocabulary.token_bytes(token_id)
        inner = self.inner.advance(config.inner, token_id)
        states = (m.feed(state, data) for m, state in zip(self.monitors, config.states, strict=True))
        return MonitoredConfig(inner, tuple(states))

    # --- the rest of the protocol

    def is_accepting(self, config: Any) -> bool:
        return self.inner.is_accepting(config.inner) and all(
            gate.may_end
            for monitor, state in zip(self.monitors, config.states, strict=True)
            for gate in monitor.gates(state)
        )

    def forced_bytes(self, config: Any, limit: int = 256) -> bytes:
        """The inner machine's forced bytes as far as the monitors agree; what a monitor forces is left to the mask."""
        data = self.inner.forced_bytes(config.inner, limit)
        while data and self.advance_bytes(config, data) is None:
            data = data[:-1]
        return data

    def shortest_completion(self, config: Any) -> bytes:
        """A short completion that the monitors take; see ``endings``."""
        return self._ends.shortest(config)

    def _completion_tokens(self, config: Any) -> tuple[int, ...]:
        plan = self._ends.plan(config)
        return tuple(self.vocabulary.encode_fewest(self.shortest_completion(config))) if plan is None else plan

    def completion_bound(self, config: Any) -> int:
        """Bytes that surely complete the text after any one token, the rest of a name counted in."""
        bound = getattr(self.inner, "completion_bound", None)
        if bound is not None:
            return int(bound(config.inner)) + NAME_ROOM
        return len(self.inner.shortest_completion(config.inner)) + 2 * NAME_ROOM

    def due(self, config: Any) -> list[bytes]:
        """Ways to finish what the gates at the end of the text ask for, shortest first."""
        found = {
            gate.shortest()
            for monitor, state in zip(self.monitors, config.states, strict=True)
            for gate in self.gates(monitor, config.inner, state)
        }
        return sorted(found - {b""}, key=len)

    def live_triggers(self, config: Any) -> bytes:
        """Bytes after which some monitor may have a gate."""
        return b"".join(m.live_triggers(state) for m, state in zip(self.monitors, config.states, strict=True))

    def __repr__(self) -> str:
        return f"MonitoredMachine({self.inner!r}, {', '.join(m.name for m in self.monitors)})"
