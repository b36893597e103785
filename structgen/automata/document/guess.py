"""A value that satisfies a formula, guessed and then judged.

Most questions of satisfiability have an easy answer: take a type, one branch of each disjunction, the
required properties with a guessed value each, the least numbers of items, a bound or zero, the
shortest text of a pattern. What comes out is judged by the plain reading of the formula
(``judge``), so a guess is never wrong, only missing; what is missing is left to the exact search, which
builds frames and automata and takes a hundred times as long.

Guesses are small but not always shortest, so they decide whether there is a value and serve the search for
witnesses; completions are searched.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING, Any

from structgen.automata.document.asserted import asserted
from structgen.automata.document.formulas import Reducer, assertions_of, evaluate
from structgen.automata.document.guided import branches, propagated
from structgen.automata.document.judge import Judge
from structgen.automata.document.strings import dfa_of_assertion, sample_of, says
from structgen.errors import LimitError
from structgen.ir.document import (
    Assertion,
    Contains,
    CountIs,
    Items,
    MaxValue,
    MinValue,
    MultipleOf,
    NumberIn,
    Pattern,
    Properties,
    Required,
    StringIn,
    StringLength,
    UnevaluatedProperties,
)
from structgen.ir.formulas import FALSE, TRUE, And, Formula, OneOf, Or, conjunction

if TYPE_CHECKING:
    from structgen.automata.document.object_states import ObjectState

__all__ = ["NO_GUESS", "Guesser", "text_of"]

NO_GUESS: Any = object()
"""No value was found; there may be one."""
MOST_BRANCHES = 8
MOST_DEPTH = 12
MOST_GUESSES = 400
"""Formulas looked at for one question."""
MOST_MEMBERS = 1024
"""Items or properties that are only there to be counted."""
MOST_PLAIN_DIGITS = 400
"""Digits up to which a number is written without an exponent."""
_PLAIN: dict[str, Any] = {"null": None, "true": True, "false": False}
_ORDER = ("number", "null", "true", "false", "string", "array", "object")


class Guesser:
    """Guesses values; remembers them by formula."""

    def __init__(self, reduce: Reducer) -> None:
        self._reduce = reduce
        self._known: dict[int, Any] = {}
        self._judge = Judge(reduce, self._known)
        self._open: set[int] = set()
        self._left = MOST_GUESSES

    def value(self, formula: Formula) -> Any:
        """A value that satisfies ``formula``, or ``NO_GUESS``."""
        if not self._open:
            self._left = MOST_GUESSES
        return self._value(formula)

    def has_value_of(self, kind: str, form: Formula) -> bool:
        """Whether a value of JSON type ``kind`` is found that satisfies ``form``, which is reduced to that type."""
        if not self._open:
            self._left = MOST_GUESSES
        try:
            return next(self._values_of(kind, form, form), NO_GUESS) is not NO_GUESS
        except LimitError:
            return False

    def completes(self, state: ObjectState) -> bool:
        """Whether a few guessed members complete an open object whose one goal must hold.

        Each way to hope for the goal is tried with the names it still requires, and with those that tell
        exclusive alternatives apart.
        """
        if not self._open:
            self._left = MOST_GUESSES
        goal = state.forms[0]
        if any(isinstance(part, UnevaluatedProperties) for part in assertions_of(goal).values()):
            return False
        for parts in itertools.islice(_hopes(goal), MOST_BRANCHES):
            for chosen in dict.fromkeys((frozenset(), frozenset(self._constant_names(parts)))):
                if self._is_completed(state, goal, self._missing(state, parts, chosen), parts):
                    return True
        return False

    @staticmethod
    def _missing(state: ObjectState, parts: Sequence[Assertion], chosen: frozenset[bytes]) -> list[bytes]:
        names = chosen | {name for part in parts if isinstance(part, Required) for name in part.names}
        places = state.shape.places
        return [name for name in sorted(names) if name in places and not (state.seen >> places[name]) & 1]

    def _is_completed(self, state: ObjectState, goal: Formula, names: list[bytes], parts: Sequence[Assertion]) -> bool:
        """Whether ``goal`` holds once values guessed for ``parts`` stand under ``names``."""
        properties = [part for part in parts if isinstance(part, Properties)]
        try:
            members = {name.decode("utf-8", "surrogatepass"): self._member(name, properties) for name in names}
        except LimitError:
            return False
        seen = state.seen | sum(1 << state.shape.places[name] for name in names)

        def truth(part: Assertion) -> bool:
            if isinstance(part, Required):
                return state.shape.bits_of(part) & ~seen == 0
            if isinstance(part, CountIs):
                n = state.count + len(members)
                return part.low <= n and (part.high is None or n <= part.high)
            return self._judge.holds(part, members)

        return all(value is not NO_GUESS for value in members.values()) and evaluate(goal, truth)

    def _value(self, formula: Formula) -> Any:
        if formula is TRUE:
            return 0
        if formula is FALSE:
            return NO_GUESS
        if formula.uid in self._known:
            return self._known[formula.uid]
        self._left -= 1
        if formula.uid in self._open or len(self._open) > MOST_DEPTH or self._left < 0:
            return NO_GUESS
        self._open.add(formula.uid)
        try:
            found = next(self._values(formula), NO_GUESS)
        except LimitError:
            found = NO_GUESS
        finally:
            self._open.discard(formula.uid)
        # Not found below an open formula may only mean that this one was open.
        if found is not NO_GUESS or not self._open:
            self._known[formula.uid] = found
        return found

    def _values(self, formula: Formula) -> Iterator[Any]:
        found = asserted(formula, self._reduce)
        for kind in _ORDER:
            if kind not in found.types:
                continue
            parts = found.of(kind)
            if parts is None:
                form = self._reduce(formula, kind)
                if form is not FALSE:
                    yield from (_PLAIN[kind],) if kind in _PLAIN else self._values_of(kind, form, formula)
            elif kind in _PLAIN:
                yield _PLAIN[kind]
            else:
                for value in self._of(kind, parts):
                    if value is not NO_GUESS and all(self._judge.says(part, value) for part in parts):
                        yield value

    def _values_of(self, kind: str, form: Formula, formula: Formula) -> Iterator[Any]:
        """Values of one type that satisfy ``formula``, which says ``form`` of that type."""
        form = propagated(form)
        for parts in itertools.chain(_chosen(form), itertools.islice(map(_asserted, branches(form)), MOST_BRANCHES)):
            for value in self._of(kind, parts):
                if value is not NO_GUESS and self._judge.holds(formula, value):
                    yield value

    def _of(self, kind: str, parts: list[Assertion]) -> Iterator[Any]:
        """Candidates of one type for a conjunction of assertions."""
        if kind == "object":
            yield self._object(parts, set())
            chosen = self._constant_names(parts)
            if chosen:
                yield self._object(parts, chosen)
        elif kind == "array":
            yield self._array(parts)
        else:
            yield from _strings(parts) if kind == "string" else _numbers(parts)

    # -- containers ------------------------------------------------------------------------

    def _constant_names(self, parts: Sequence[Assertion]) -> set[bytes]:
        """Declared names whose values are texts of a list: they tell exclusive alternatives apart."""
        return {
            name
            for part in parts
            if isinstance(part, Properties)
            for name, formula in itertools.islice(part.named.items(), MOST_MEMBERS)
            if isinstance(self._reduce(formula, "string"), StringIn)
        }

    def _object(self, parts: list[Assertion], chosen: set[bytes]) -> Any:
        """An object of the required and some ``chosen`` names."""
        names = chosen | {name for part in parts if isinstance(part, Required) for name in part.names}
        properties = [part for part in parts if isinstance(part, Properties)]
        least = max((part.low for part in parts if isinstance(part, CountIs)), default=0)
        if least > MOST_MEMBERS:
            return NO_GUESS
        found: dict[str, Any] = {}
        for name in sorted(names):
            value = self._member(name, properties)
            if value is NO_GUESS:
                return NO_GUESS
            found[name.decode("utf-8", "surrogatepass")] = value
        spare = itertools.chain((name for part in properties for name in part.named), map(b"a%d".__mod__, range(least)))
        for name in spare:
            if len(found) >= least:
                break
            value = self._member(name, properties)
            if value is not NO_GUESS:
                found.setdefault(name.decode("utf-8", "surrogatepass"), value)
        return _in_declared_order(found, properties)

    def _member(self, name: bytes, properties: list[Properties]) -> Any:
        return self._value(conjunction(goal for part in properties for goal in _goals(part, name)))

    def _array(self, parts: list[Assertion]) -> Any:
        items = [part for part in parts if isinstance(part, Items)]
        wanted = [part.formula for part in parts if isinstance(part, Contains) for _ in range(part.low)]
        least = max([len(wanted), *(part.low for part in parts if isinstance(part, CountIs))])
        if least > MOST_MEMBERS:
            return NO_GUESS
        found = []
        for at in range(least):
            goals = [part.prefix[at] if at < len(part.prefix) else part.rest or TRUE for part in items]
            value = self._value(conjunction([*goals, *wanted[at : at + 1]]))
            if value is NO_GUESS:
                return NO_GUESS
            found.append(value)
        return found


def _asserted(branch: Formula) -> list[Assertion]:
    """What a conjunction asserts, apart from what it negates."""
    parts = branch.parts if type(branch) is And else (branch,)
    return [part for part in parts if isinstance(part, Assertion)]


def _chosen(formula: Formula) -> Iterator[list[Assertion]]:
    """One part of each disjunction, whatever becomes of the others; nothing where there are none.

    A value guessed for one of many exclusive alternatives often fails the others by itself, while their negations,
    multiplied out, come to many branches that guess the same value.
    """
    parts = formula.parts if type(formula) is And else (formula,)
    if any(type(part) is Or or type(part) is OneOf for part in parts):
        yield from map(list, itertools.islice(_hopes(formula), MOST_BRANCHES))


def _hopes(formula: Formula) -> Iterator[tuple[Assertion, ...]]:
    """Assertions that would do for ``formula``, were it not for what it negates."""
    kind = type(formula)
    if kind is Or or kind is OneOf:
        for part in formula.parts:  # type: ignore[attr-defined]
            yield from _hopes(part)
    elif kind is And:
        few = (list(itertools.islice(_hopes(part), MOST_BRANCHES)) for part in formula.parts)  # type: ignore[attr-defined]
        yield from (tuple(itertools.chain(*choice)) for choice in itertools.product(*few))
    elif isinstance(formula, Assertion):
        yield (formula,)
    elif formula is not FALSE:
        yield ()


def _in_declared_order(members: dict[str, Any], properties: Sequence[Properties]) -> dict[str, Any]:
    """Members as plain objects may have to order them: the declared ones first, as they are declared."""
    declared = (name.decode("utf-8", "surrogatepass") for part in properties for name in part.named)
    places = {name: place for place, name in enumerate(dict.fromkeys(declared))}
    return dict(sorted(members.items(), key=lambda member: (places.get(member[0], len(places)), member[0])))


def _goals(part: Properties, name: bytes) -> list[Formula]:
    found = [part.named[name]] if name in part.named else []
    found += [formula for pattern, formula in part.patterns if says(pattern, name)]
    if not found and part.additional is not None:
        found = [part.additional]
    return found


def _strings(parts: list[Assertion]) -> Iterator[str]:
    sets = [part.values for part in parts if isinstance(part, StringIn)]
    if sets:
        shortest_first = sorted(frozenset.intersection(*sets), key=lambda data: (len(data), data))
        for data in itertools.islice(shortest_first, MOST_BRANCHES):
            yield data.decode("utf-8", "surrogatepass")
        return
    for part in parts:
        if isinstance(part, Pattern):
            yield from _texts(part)
    least = max((part.low for part in parts if isinstance(part, StringLength)), default=0)
    if least < 1 << 16:
        yield "a" * least


def _texts(part: Pattern) -> Iterator[str]:
    """A text that can be read off a pattern, then, if another is asked for, a shortest one in bytes."""
    text = sample_of(part)
    if text is not None:
        yield text.decode()
    if not dfa_of_assertion(part).is_empty:
        yield dfa_of_assertion(part).shortest().decode("utf-8", "surrogatepass")


def _numbers(parts: list[Assertion]) -> Iterator[Any]:
    yield 0
    yield 1
    for part in parts:
        if isinstance(part, NumberIn):
            yield from itertools.islice((_plain(value) for value in sorted(part.values)), MOST_BRANCHES)
    divisors = [part.divisor for part in parts if isinstance(part, MultipleOf)]
    for part in parts:
        if isinstance(part, MinValue | MaxValue) and -30 < part.bound.adjusted() < 15:
            step = Decimal(1 if isinstance(part, MinValue) else -1)
            for value in (part.bound, part.bound + step, part.bound + step / 2):
                yield _plain(value)
                yield from (_plain((value / d).to_integral_value(ROUND_CEILING) * d) for d in divisors[:1])


def _plain(value: Decimal) -> Any:
    return int(value) if value == value.to_integral_value() and abs(value.adjusted()) < 15 else value


def text_of(value: Any) -> bytes:
    """The JSON text of a guessed value, its lone surrogates escaped."""
    if isinstance(value, dict):
        return b"{" + b",".join(_quoted(name) + b":" + text_of(inner) for name, inner in value.items()) + b"}"
    if isinstance(value, list):
        return b"[" + b",".join(map(text_of, value)) + b"]"
    if isinstance(value, Decimal):
        return f"{value:{'f' if abs(value.adjusted()) < MOST_PLAIN_DIGITS else 'e'}}".encode()
    return _quoted(value) if isinstance(value, str) else json.dumps(value).encode()


def _quoted(text: str) -> bytes:
    return json.dumps(text, ensure_ascii=False).encode("utf-8")
