"""Shortest texts: which verdicts a value can reach, and the shortest text for each.

This one question answers three: whether a context can be satisfied at all (no mask opens a
door to a dead end), how to complete a document in the fewest bytes, and which branches of a
disjunction are still possible. Scalars are searched in their automata; objects and arrays by
Dijkstra over frames. A text never needs its own context inside itself, so a context met again
on the way down counts as unreachable; such a failure is not remembered.

The search over general frames is budgeted. Beyond the budget a frame counts as viable
(``n_assumed``): the mask then may open a door that closes later, and the sampler rolls back.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from itertools import count, product
from typing import TYPE_CHECKING, Any, TypeVar

from structgen.automata.document.arrays import ArrayState, compares
from structgen.automata.document.contexts import MUST, Context
from structgen.automata.document.guided import Guided
from structgen.automata.document.judge import Judge
from structgen.automata.document.object_states import ObjectState, after_key, after_verdict, asked_of_value, settled
from structgen.automata.document.shortest import Shortest, quoted
from structgen.ir.formulas import FALSE, TRUE, Formula, conjunction, negation
from structgen.kernels import document as K

if TYPE_CHECKING:
    from structgen.automata.document.automaton import DocumentAutomaton

__all__ = ["Witness"]

MOST_EXACT, MOST_COMBINED, MOST_BUT_ONE = 2, 5, 6
MOST_FOLLOWING = 1 << 17
"""Members that may come next, remembered for all states together before starting over."""
MOST_EXPANSIONS = (30, 10, 4, 2)
FURTHER_EXPANSIONS = (30, 6, 2, 1)
"""By how many searches this one is nested in: in all, and where an aim has already found something."""
_WORDS = (b"null", b"true", b"false")
_Found = TypeVar("_Found")


class Witness:
    """Shortest texts of contexts and frames of one automaton."""

    def __init__(self, automaton: DocumentAutomaton) -> None:
        self.automaton = automaton
        self.shortest = Shortest(automaton.tables)
        self.judge = Judge(automaton.reduce)
        self._guided = Guided(automaton, self.judge)
        self.n_assumed = 0
        self._depth = 0
        self._most_exact = MOST_EXACT
        self._skipped = False
        """Some combination of goals was not aimed at."""
        self._aimed: dict[Any, tuple[dict[int, bytes], bool]] = {}
        self._open: dict[Any, int] = {}
        """Contexts and states being searched, each with the number of its search."""
        self._n_searches = 0
        self._tentative: dict[Any, tuple[list[tuple[Any, int]], Any]] = {}
        """Results that hang on searches still open: on which, and what they are until these end."""
        self._blocked: set[Any] = set()
        """Contexts and states still open that the search met again; until they are closed, failures are not final."""
        self._viable: dict[Any, bool] = {}
        self._free: dict[tuple[int, ...], int] = {}
        self._closing: dict[Any, dict[int, bytes]] = {}
        self._following: dict[Any, list[tuple[bytes, ObjectState]]] = {}
        """Members that may come next in general objects, by state."""
        self._n_following = 0
        self._members: dict[tuple[int, int], bytes] = {}
        """Shortest members of plain objects and arrays, by frame and class of name or position."""

    # -- values ----------------------------------------------------------------------------

    def outcomes(self, index: int) -> dict[int, bytes]:
        """Shortest text per acceptable verdict of a value context; empty where it cannot be satisfied."""
        context = self.automaton.contexts.by_index[index]
        if context.outcomes is not None:
            return context.outcomes
        if index in self._open:
            self._blocked.add(index)
            return {}
        found: dict[int, bytes] | None = self._recall(index)
        if found is not None:
            return found
        outer = self._begin(index)
        try:
            found = self._outcomes(context)
        finally:
            self._end(index)
        if not self._blocked or (found and context.accepts is None):
            context.outcomes = found
        else:
            self._hold(index, found)
        self._blocked |= outer
        return found

    def _begin(self, key: Any) -> set[Any]:
        """Open the search for ``key``; returns what the searches around it were blocked by so far."""
        outer, self._blocked = self._blocked, set()
        self._n_searches += 1
        self._open[key] = self._n_searches
        return outer

    def _end(self, key: Any) -> None:
        del self._open[key]
        self._blocked.discard(key)

    def unblocked(self, search: Callable[[], _Found]) -> tuple[_Found, bool]:
        """What ``search`` finds, and whether that hangs on no search still open."""
        outer, self._blocked = self._blocked, set()
        try:
            found = search()
            return found, not self._blocked
        finally:
            self._blocked |= outer

    def _hold(self, key: Any, result: Any) -> None:
        """Keep a result for as long as all that blocked it stays open."""
        self._tentative[key] = [(other, self._open[other]) for other in self._blocked], result

    def _recall(self, key: Any) -> Any:
        """A result that holds for now, or None."""
        held = self._tentative.get(key)
        if held is None or any(self._open.get(other) != number for other, number in held[0]):
            return None
        self._blocked.update(other for other, _ in held[0])
        return held[1]

    def aimed(self, context: Context) -> Iterator[tuple[int, bytes]]:
        """(label, text) for verdicts of a context with several goals, one for each thing to aim at.

        Up to ``MOST_EXACT`` goals (where that was not enough, ``MOST_COMBINED``) every combination is
        aimed at. Beyond, aims are all goals at once, each alone, the failure of each, and of all, and (up to
        ``MOST_BUT_ONE`` goals) of one beside the success of all others; which
        verdicts the text of an aim really has is then looked up. Cheap, because an aim is one goal that
        must hold, but not every verdict need appear.
        """
        first, *rest = context.goals
        unsure = [goal for goal in rest if goal is not TRUE and goal is not FALSE]
        failures = [negation(goal) for goal in unsure]
        if len(unsure) <= self._most_exact:
            chosen: Iterable[Iterable[Formula]] = product(*zip(unsure, failures, strict=True))
        else:
            self._skipped = True
            chosen = [unsure, *([goal] for goal in (*unsure, *failures)), failures]
            if len(unsure) <= MOST_BUT_ONE:
                chosen += [[*unsure[:at], failure, *unsure[at + 1 :]] for at, failure in enumerate(failures)]
        aims = [conjunction([first, *goals]) for goals in chosen]
        seen: set[int] = set()
        for aim in aims:
            text = self.automaton.some_text(self.automaton.contexts.must(aim))
            if text is None:
                continue
            vector = self.judge.verdicts(context.goals, text)
            label = self.automaton.contexts.label(vector)
            if vector[0] and label not in seen:
                seen.add(label)
                yield label, text

    def aimed_outcomes(self, goals: tuple[Formula, ...]) -> dict[int, bytes]:
        """What ``aimed`` finds for a context that accepts every verdict."""
        index = self.asked(goals)
        key = ("aims", index, self._most_exact)
        known = self._aimed.get(key) or self._recall(key)
        if known is None:
            outer, skipped_before = self._blocked, self._skipped
            self._blocked, self._skipped = set(), False
            known = dict(self.aimed(self.automaton.contexts.by_index[index])), self._skipped
            if not self._blocked:
                self._aimed[key] = known
            else:
                self._hold(key, known)
            self._blocked |= outer
            self._skipped = skipped_before
        self._skipped = self._skipped or known[1]
        return known[0]

    def _outcomes(self, context: Context) -> dict[int, bytes]:
        found: dict[int, bytes] = {}
        fill = self.automaton.handle
        for column in (K.T_NULL, K.T_TRUE, K.T_FALSE):
            label = fill(context.index, column)
            if label:
                _keep(found, label, _WORDS[column])
        number = fill(context.index, K.T_NUMBER)
        judge = self.automaton.tables.number_judges.get(context.index)
        if number and judge is not None:
            _keep(found, MUST, min(filter(None, (judge.ending(""), judge.example("-"))), key=len).encode())
        elif number:
            for label, text in self.shortest.numbers(number).items():
                _keep(found, label, text)
        spec = fill(context.index, K.T_STRING)
        if spec:
            for label, text in self.shortest.strings(spec).items():
                _keep(found, label, text)
        for column in (K.T_ARRAY, K.T_OBJECT):
            if context.accepts is None and len(found.get(MUST, b"xxx")) <= 2:
                break
            frame = fill(context.index, column)
            if frame:
                opening = b"[" if column == K.T_ARRAY else b"{"
                for label, text in self.closings(frame, 0).items():
                    _keep(found, label, opening + text)
        return found

    # -- frames ----------------------------------------------------------------------------

    def closings(self, frame: int, register: int) -> dict[int, bytes]:
        """Shortest text per verdict from just after the opening bracket of ``frame`` to its closing one."""
        return self.completions(frame, register, first=True)

    def completions(self, frame: int, register: int, *, first: bool, comma: bool = False) -> dict[int, bytes]:
        """Shortest text per verdict that closes a frame.

        ``first``: nothing has been read in it; ``comma``: the last byte was a comma, so a member
        must follow; otherwise a member has just ended.
        """
        kind = int(self.automaton.tables.frames[frame, K.F_KIND])
        if kind == K.PLAIN_OBJECT:
            return self._plain_object(frame, register, first, comma)
        if kind == K.PLAIN_ARRAY:
            return self._plain_array(frame, register, first, comma)
        if kind == K.GENERAL_OBJECT:
            return self._search_object(self.automaton.general_objects.states[frame], first, comma)
        return self._search_array(self.automaton.arrays.states[frame], first, comma)

    def _plain_object(self, frame: int, seen: int, first: bool, comma: bool) -> dict[int, bytes]:
        keys, _, _ = self.automaton.objects.plain[frame]
        row = self.automaton.tables.frames[frame]
        need = int(row[K.F_LOW]) & ~seen
        needed = [number for number in range(keys.n_named) if (need >> number) & 1]
        if int(row[K.F_MAY_GO_ON]):
            following = self.automaton.tables.children[int(row[K.F_MAY_GO_ON]) :]
            needed.sort(key=lambda number: int(following[number]))
        members = []
        for number in needed:
            text = self._plain_member(frame, number)
            if text is None:
                return {}
            members.append(text)
        if comma and not members:
            left = int(row[K.F_HIGH]) & ~seen
            texts = [self._plain_member(frame, n) for n in range(len(keys.classes)) if (left >> n) & 1]
            some = [text for text in texts if text is not None]
            if not some:
                return {}
            members.append(min(some, key=len))
        text = (b"" if first or comma or not members else b",") + b",".join(members) + b"}"
        return {int(row[K.F_CLOSE]): text}

    def _plain_member(self, frame: int, number: int) -> bytes | None:
        found = self._members.get((frame, number))
        if found is None:
            keys, _, _ = self.automaton.objects.plain[frame]
            value = self.automaton.objects.fill_child(frame, number)
            text = self.outcomes(value).get(MUST) if value else None
            if text is None:
                return None
            found = self._members[frame, number] = quoted(keys.classes[number].sample) + b":" + text
        return found

    def _plain_array(self, frame: int, n: int, first: bool, comma: bool) -> dict[int, bytes]:
        row = self.automaton.tables.frames[frame]
        members: list[bytes] = []
        at = n
        while at < int(row[K.F_LOW]) or (comma and not members):
            text = self._plain_item(frame, min(at, int(row[K.F_NEXT])))
            if text is None:
                return {}
            members.append(text)
            at += 1
        return {MUST: (b"" if first or comma or not members else b",") + b",".join(members) + b"]"}

    def _plain_item(self, frame: int, position: int) -> bytes | None:
        found = self._members.get((frame, position))
        if found is None:
            value = self.automaton.arrays.fill_child(frame, position)
            found = self.outcomes(value).get(MUST) if value else None
            if found is not None:
                self._members[frame, position] = found
        return found

    # -- general objects ---------------------------------------------------------------------

    def object_is_viable(self, state: ObjectState) -> bool:
        """Whether a general object can still be closed acceptably."""

        def search() -> bool:
            if state.shape.context.accepts is None and self.automaton.guesser.completes(state):
                return True
            if self._guided.is_hopeless(state):
                return False
            if any(True for _ in self._guided.endings(state)):
                return True
            return bool(self._search_object(state, False, False, any_label=True))

        return self._is_viable(state, lambda: self.automaton.general_objects.close_label(state), search)

    @property
    def is_searching(self) -> bool:
        """Whether some search is open, on which an answer may hang."""
        return bool(self._open)

    def note_viable(self, state: ObjectState | ArrayState) -> None:
        """Take down that ``state`` can be closed acceptably."""
        self._viable[state.key] = True

    def is_decided(self, state: ObjectState | ArrayState) -> bool:
        """Whether it is known for good if ``state`` can be closed; not so within its own search."""
        goals = state.forms[: state.shape.n_goals]
        return state.key in self._viable or all(goal is TRUE or goal is FALSE for goal in goals)

    def _is_viable(self, state: ObjectState | ArrayState, close: Callable[[], int], search: Callable[[], bool]) -> bool:
        """Whether ``search`` finds an ending; failures that hang on what is still being searched are not remembered."""
        key = state.key
        if all(form is TRUE or form is FALSE for form in state.forms[: state.shape.n_goals]):
            return bool(close())  # all verdicts are known; nothing that follows can change them
        found = self._viable.get(key)
        if found is not None:
            return found
        if key in self._open:
            self._blocked.add(key)
            return False
        held: bool | None = self._recall(key)
        if held is not None:
            return held
        if close():
            self._viable[key] = True
            return True
        outer = self._begin(key)
        try:
            found = search()
        finally:
            self._end(key)
        if found or not self._blocked:
            self._viable[key] = found
        else:
            self._hold(key, found)
        self._blocked |= outer
        return found

    def _search_object(self, state: ObjectState, first: bool, comma: bool, any_label: bool = False) -> dict[int, bytes]:
        key = ("object", state.key, first, comma, any_label)
        if key in self._closing:
            return self._closing[key]
        if self._guided.is_hopeless(state):
            return {}
        must = state.shape.context.accepts is None
        starts = [(b"", state, not comma)]
        guided: dict[int, bytes] = {}
        for text, label in self._guided.endings(state):
            if text or not comma:
                _keep(guided, label, text)
        if guided and (must or any_label):
            # One verdict is asked for, and it has a text: nearly always a shortest one, and the uniform
            # search, which would make sure, takes a hundred times as long.
            best = min(guided, key=lambda label: len(guided[label]))
            found = {best: guided[best]}
        else:
            found = self._dijkstra(
                starts, self._object_steps, self.automaton.general_objects.close_label, must or any_label, guided
            )
        lead = b"" if first or comma else b","
        texts = {label: (lead + text[1:] if text else b"") + b"}" for label, text in found.items()}
        if not self._blocked:
            self._closing[key] = texts
        return texts

    def _object_steps(self, state: ObjectState) -> list[tuple[bytes, ObjectState]]:
        """Members that may come next, and the states after them; searches from different states come by the same."""
        key = state.key
        known = self._following.get(key)
        if known is not None:
            return known
        found, is_final = self.unblocked(lambda: list(self._all_object_steps(state)))
        if is_final:
            if self._n_following >= MOST_FOLLOWING:
                self._following.clear()
                self._n_following = 0
            self._following[key] = found
            self._n_following += len(found) + 1
        return found

    def _all_object_steps(self, state: ObjectState) -> Iterator[tuple[bytes, ObjectState]]:
        for number in range(len(state.shape.keys.classes)):
            yield from self._object_step(state, number)

    def _object_step(self, state: ObjectState, number: int) -> Any:
        shape = state.shape
        if not shape.usable[number] or (number < shape.keys.n_named and (state.seen >> number) & 1):
            return
        key_class = shape.keys.classes[number]
        after = after_key(state, number, key_class)
        if after is None:
            return
        asked = asked_of_value(after, key_class, self.automaton.source.target)
        key = b"," + quoted(key_class.sample_after(state.count)) + b":"
        contexts = self.automaton.contexts
        if not asked.flagged:
            value = contexts.must(asked.must)
            text = self.outcomes(value).get(MUST) if value else None
            if text is not None:
                yield key + text, settled(asked.state)
            return
        for label, text in self.aimed_outcomes(asked.goals).items():
            vector = contexts.vectors[label]
            if not vector[0]:
                continue
            found = after_verdict(asked, vector)
            if shape.context.accepts is None and found.forms[0] is FALSE:
                continue
            yield key + text, found

    def asked(self, goals: tuple[Any, ...]) -> int:
        """A context over ``goals`` that accepts every verdict, for searching."""
        key = tuple(goal.uid for goal in goals)
        found = self._free.get(key)
        if found is None:
            found = self._free[key] = self.automaton.contexts.asked(goals, lambda label: True)
        return found

    # -- general arrays ----------------------------------------------------------------------

    def array_is_viable(self, state: ArrayState) -> bool:
        """Whether a general array can still be closed acceptably."""
        close = self.automaton.arrays.close_label
        return self._is_viable(
            state,
            lambda: close(state),
            lambda: (
                any(close(after) for _, after in self._array_steps(state))
                or bool(self._search_array(state, False, False, any_label=True))
            ),
        )

    def _search_array(self, state: ArrayState, first: bool, comma: bool, any_label: bool = False) -> dict[int, bytes]:
        key = ("array", state.key, first, comma, any_label)
        if key in self._closing:
            return self._closing[key]
        must = state.shape.context.accepts is None
        start, close = [(b"", state, not comma)], self.automaton.arrays.close_label
        self._skipped = False
        found = self._dijkstra(start, self._array_steps, close, must or any_label)
        if not found and self._skipped and self._depth == 0:
            # An item may need one of the combinations that were left out.
            self._most_exact = MOST_COMBINED
            found = self._dijkstra(start, self._array_steps, close, must or any_label)
            self._most_exact = MOST_EXACT
        lead = b"" if first or comma else b","
        texts = {label: (lead + text[1:] if text else b"") + b"]" for label, text in found.items()}
        if not self._blocked:
            self._closing[key] = texts
        return texts

    def _array_steps(self, state: ArrayState) -> Any:
        if compares(state):
            steps = self.automaton.distinct.steps(state)
        else:
            steps = self.automaton.arrays.search_steps(state, self.aimed_outcomes, self.outcomes)
        for text, after in steps:
            yield b"," + text, after

    # -- search ------------------------------------------------------------------------------

    def _dijkstra(
        self, starts: Any, steps: Any, close: Any, one: bool, known: dict[int, bytes] | None = None
    ) -> dict[int, bytes]:
        """Shortest text to each verdict at which ``close`` allows to end; the first one only if ``one``.

        ``known``: texts that are ways to some verdicts, perhaps not shortest.
        """
        found: dict[int, bytes] = {}
        known = known or {}
        order = count()
        heap = [(len(text), next(order), text, state, may_end) for text, state, may_end in starts]
        heapq.heapify(heap)
        done: set[Any] = set()
        expansions = 0
        most = (FURTHER_EXPANSIONS if known else MOST_EXPANSIONS)[min(self._depth, 3)]
        self._depth += 1
        while heap:
            length, _, text, state, may_end = heapq.heappop(heap)
            if one and known and length >= min(map(len, known.values())):
                break
            if may_end:
                if state.key in done:
                    continue
                done.add(state.key)
                label = close(state)
                if label:
                    found.setdefault(label, text)
                    if one:
                        break
            expansions += 1
            if expansions > most:
                if not known:
                    self.n_assumed += 1
                    if not found and one:
                        found[MUST] = text
                break
            for member, after in steps(state):
                if after.key not in done:
                    heapq.heappush(heap, (len(text) + len(member), next(order), text + member, after, True))
        self._depth -= 1
        for label, text in known.items():
            _keep(found, label, text)
        return found


def _keep(found: dict[int, bytes], label: int, text: bytes) -> None:
    if label not in found or len(text) < len(found[label]):
        found[label] = text
