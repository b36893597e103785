"""Content of JSON strings that automata read (``pattern``, ``format``, names under patterns), without walking it all.

Walking the vocabulary from every state of such an automaton costs milliseconds, and nearly all of it goes
into few places: a state that loops on a set of characters, a chain of states that counts
them, or the one state where anything may follow. So a state is first asked where most of
the vocabulary would take it (``Chain``):

- to a state where any text may follow: the vocabulary's content mask is taken whole, and a walk that stops at
  that state corrects the few tokens that go elsewhere;
- along a loop or a counting chain over one set of characters: the tokens that stay in the set
  are a ``Run``, found once per vocabulary and set; only where tokens leave it (*exits*), and only by bytes
  that are not dead there, is anything left to decide. An exit with much below it (a space, in most
  vocabularies) has a chain and a run of its own (``Plan``), the rest is walked;
- else the whole trie is walked, which is cheap, for few tokens fit: tried first where few letters may follow
  (``content_masks``).

236,000 nodes became 400 on a name among ``patternProperties``. What is found of a state is kept for others that are
like it, by the states that its walk has met (``fixed_content``); where an automaton reads every text, none of this is
needed (``closing_texts``). So two in three masks in such strings of MaskBench's sample come without a walk.

Rejected: minimising the automaton without its labels, so that ``^\\S(.*\\S)?$`` loops: word counts
(``(\\S+\\s+){0,99}\\S+``) still do not; looking for an earlier state that no token tells from this one by walking the
trie in both at once, which took as long as the mask (states that soon meet are walked so, see ``fixed_content``);
allowing subtrees as a whole where no text dies within so many characters (several patterns found anywhere, of which one
may hold): 110,000 nodes became 30,000 to 90,000.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from structgen.automata.document.arena import Arena
from structgen.dtypes import TokenMask, freeze
from structgen.kernels import content_walk as K
from structgen.kernels.content_run import as_bits, build_run, by_length, plan_exits
from structgen.kernels.document import C_MAP, C_START
from structgen.masks.mask import count_allowed
from structgen.masks.string_body import StringBody
from structgen.masks.tokens_by_length import TokensByLength

__all__ = ["Chain", "Plan", "Run", "chain_of", "plan_of"]

MOST_RUNS = 128
"""Runs kept per vocabulary; a few hundred KB each at 128k tokens."""
MOST_REMEMBERED = 4096
"""States of an arena of which something is remembered."""
MUCH = 2000
"""Trie nodes below an exit from which on it gets a plan of its own."""
_RAW = np.ones(256, np.uint8)
_RAW[:32] = 0
_RAW[[34, 92]] = 0
_ANY = bytes(1 if b < 0x80 or 0xC2 <= b < 0xF5 else 0 for b in range(256))


@dataclass(frozen=True, slots=True)
class Chain:
    """Where content leads from one state of an automaton, as far as most of the vocabulary goes."""

    first: bytes
    """The first bytes of characters that enter the chain."""
    rest: bytes
    """The first bytes of characters that go on in it."""
    states: npt.NDArray[np.int64]
    """The state after the first character, the second, and so on; empty where there is no chain."""
    loops: bool
    """Whether the last state loops, so that the chain never ends."""
    free: int
    """The state of the chain if any text may follow there; else 0."""


def set_of(characters: bytes) -> npt.NDArray[np.uint64]:
    """(1, 4) uint64: the characters of a set that need no escape, as bits."""
    found = np.zeros((1, 4), np.uint64)
    as_bits(np.frombuffer(characters, np.uint8) & _RAW, found)
    return found


@dataclass(frozen=True, eq=False)
class Run:
    """What a vocabulary does on a set of characters below one trie node."""

    body: StringBody = field(repr=False)
    node: int
    row: TokenMask
    """Tokens that stay in the set."""
    exits: npt.NDArray[np.int32]
    """Trie nodes whose edge begins the first character outside."""
    characters: npt.NDArray[np.int32]
    """Characters before each exit, below the node."""

    @cached_property
    def tokens(self) -> TokensByLength:
        """Tokens that stay in the set, by their characters below the node; sorted only where lengths are asked for."""
        body, trie = self.body, self.body.vocabulary_trie
        _, until, of_token = body.below
        tokens, ends = np.empty(count_allowed(self.row), np.int32), np.empty(body.max_depth + 1, np.int64)
        first, past = (int(trie.token_start[node]) for node in (self.node, trie.subtree_end[self.node]))
        by_length(self.row, first, past, trie.token_ids, of_token, until[self.node], tokens, ends)
        return TokensByLength(freeze(tokens, np.int32), ends)

    def content(self, most: int) -> TokenMask:
        """Those with at most ``most`` characters; read-only."""
        return self.row if most >= self.body.max_depth else self.tokens.content(most, self.body.n_words)


@dataclass(frozen=True, slots=True)
class Plan:
    """How the content below one trie node is decided in one state."""

    chain: Chain
    run: Run
    nodes: npt.NDArray[np.int64]
    """Exits to walk, each with its edge still to be read."""
    states: npt.NDArray[np.int64]
    """The state before each exit's edge."""
    characters: npt.NDArray[np.int64]
    """Characters between the node and each exit."""
    inside: npt.NDArray[np.uint64]
    """The characters on which the chain loops."""
    large: tuple[tuple[int, int, int], ...]
    """Exits with much below them: node, state after its edge, characters below the plan's node."""


def chain_of(arena: Arena, state: int, body: StringBody) -> Chain | None:
    """The chain that starts at a state of ``arena``, None where there is none; remembered."""
    key = (body.max_depth, state)
    if key not in arena.chains:
        if len(arena.chains) >= MOST_REMEMBERED:
            arena.chains.clear()
        arena.chains[key] = _follow(arena, state, body)
    found: Chain | None = arena.chains[key]
    return found


def plan_of(arena: Arena, state: int, body: StringBody, node: int, chain: Chain) -> Plan:
    """How the content below ``node`` is decided in ``state``, where ``chain`` starts; remembered."""
    plans = body.plans.setdefault(arena, {})
    key = (state, node)
    found = plans.get(key)
    if found is None:
        if len(plans) >= MOST_REMEMBERED:
            plans.clear()
        found = plans[key] = _plan(arena, state, body, node, chain)
    return found


def run_of(body: StringBody, node: int, first: bytes, rest: bytes) -> Run:
    """The run of a vocabulary below ``node`` on the characters of ``rest``, the first one in ``first``; remembered."""
    key = (node, first, rest)
    found = body.runs.get(key)
    if found is None:
        while len(body.runs) >= MOST_RUNS:
            body.runs.pop(next(iter(body.runs)), None)
        found = body.runs[key] = _run(body, node, first, rest)
    return found


def _run(body: StringBody, node: int, first: bytes, rest: bytes) -> Run:
    sets = [np.frombuffer(characters, np.uint8) & _RAW for characters in (first, rest)]
    trie = body.vocabulary_trie
    row = np.zeros(body.n_words, np.uint32)
    # Kept for the next run: memory that is new costs more than what is written to it.
    exits, before = body.spare.pop() if body.spare else np.empty((2, trie.n_nodes), np.int32)
    n = build_run(node, *trie[:5], body.max_depth, *sets, body.below[0], row, exits, before)
    found = Run(body, node, freeze(row, np.uint32), exits[:n].copy(), before[:n].copy())
    body.spare.append((exits, before))
    return found


def _plan(arena: Arena, state: int, body: StringBody, node: int, chain: Chain) -> Plan:
    run = run_of(body, node, chain.first, chain.rest)
    trie = body.vocabulary_trie
    found, large = np.empty((3, len(run.exits)), np.int64), np.empty((len(run.exits), 3), np.int64)
    n, n_large = plan_exits(
        run.exits, run.characters, trie.byte, trie.subtree_end, arena.trans, arena.content, arena.class_maps, state,
        chain.states, chain.loops, MUCH, *found, large,
    )  # fmt: skip
    nodes, states, characters = found[:, :n].copy()
    return Plan(chain, run, nodes, states, characters, set_of(chain.rest), tuple(map(tuple, large[:n_large].tolist())))


def _targets(arena: Arena, states: npt.NDArray[np.int64], edges: npt.NDArray[np.uint8]) -> npt.NDArray[np.int32]:
    """The state after each edge, read in each state; 0 is dead."""
    columns = arena.class_maps[arena.content[states, C_MAP], edges]
    return np.where(states == 0, 0, arena.trans[arena.content[states, C_START] + columns])


def _step(arena: Arena, state: int, body: StringBody) -> tuple[int, bytes]:
    """Where most of the vocabulary goes from ``state``, and the characters that go there; remembered."""
    found: tuple[int, bytes] | None = arena.targets.get(state)
    if found is None:
        if len(arena.targets) >= MOST_REMEMBERED:
            arena.targets.clear()
        first = np.empty(256, np.uint8)
        target = K.target_of(arena.trans, arena.content, arena.class_maps, state, body.weights, first)
        found = arena.targets[state] = (int(target), first.tobytes())
    return found


def _follow(arena: Arena, state: int, body: StringBody) -> Chain | None:
    target, first = _step(arena, state, body)
    if not target:
        return None
    onward, rest = _step(arena, target, body)
    if onward == target:
        return Chain(first, rest, np.array([target]), True, target if rest == _ANY else 0)
    states, at, loops = [target], target, False
    while onward and len(states) <= body.most_characters:
        at = onward
        states.append(at)
        onward, characters = _step(arena, at, body)
        if characters != rest:
            if not _dies_on(arena, at, rest):
                return None
            break
        loops = onward == at
        if loops:
            break
    return Chain(first, rest, np.array(states), loops, 0)


def _dies_on(arena: Arena, state: int, first: bytes) -> bool:
    """Whether no character of the set may come at ``state``."""
    members = np.flatnonzero(np.frombuffer(first, np.uint8)).astype(np.uint8)
    return not _targets(arena, np.full(len(members), state, np.int64), members).any()
