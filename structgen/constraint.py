"""What may be generated: ``Constraint`` → ``bind`` → ``TokenConstraint`` → ``start`` → ``Matcher``.

A constraint knows no tokenizer. Bound to a vocabulary it is a token constraint: immutable,
shared by threads and requests, with its masks cached inside. A matcher is one sequence.

Each notation is a subclass of ``Constraint`` that knows how to build its machine, and a
constructor function here that reads the notation; front ends and machines are imported
when a constructor is called. Regular constraints combine with ``|``, ``+`` and ``&``,
since regular languages are closed under all three.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from structgen.errors import UnsatisfiableError, UnsupportedError
from structgen.keys import content_key
from structgen.masks.budget import Completions
from structgen.masks.machine import TokenMachine
from structgen.masks.matcher import Matcher
from structgen.vocab.vocabulary import Vocabulary

if TYPE_CHECKING:
    from structgen.automata.dfa import Dfa
    from structgen.automata.limits import Limits

__all__ = ["Constraint", "Enforcement", "RegularConstraint", "Report", "TokenConstraint", "choice", "regex"]

MOST_BOUND = 4
"""Vocabularies that one constraint stays bound to at a time."""


@dataclass(frozen=True, slots=True)
class Enforcement:
    """How one part of a constraint is kept."""

    pointer: str
    """Where: a JSON pointer, or empty for the whole."""
    keyword: str
    how: Literal["automaton", "monitor", "annotation", "relaxed"]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What of a constraint is enforced, and how; nothing that is in it is left out here."""

    title: str
    entries: tuple[Enforcement, ...]

    @property
    def is_exact(self) -> bool:
        """Nothing was relaxed."""
        return all(entry.how != "relaxed" for entry in self.entries)

    def __str__(self) -> str:
        lines = [self.title]
        for entry in self.entries:
            note = f" ({entry.note})" if entry.note else ""
            lines.append(f"  {entry.pointer or '(whole)'} {entry.keyword}: {entry.how}{note}")
        return "\n".join(lines)


class TokenConstraint:
    """A constraint bound to a vocabulary; immutable, shared by threads and requests."""

    __slots__ = ("_completions", "constraint", "machine", "vocabulary")

    def __init__(self, machine: TokenMachine, constraint: Constraint | None = None) -> None:
        self.machine = machine
        self.vocabulary: Vocabulary = machine.vocabulary
        self.constraint = constraint
        self._completions = Completions(machine)

    @property
    def key(self) -> str:
        """Hash of constraint, options and vocabulary, the same in every process; empty where none can be told.

        What is learnt on this constraint (``PrefixTrie``) is saved under it.
        """
        own = self.constraint.key if self.constraint is not None else ""
        return content_key(own, self.vocabulary.content_hash) if own else ""

    def start(self) -> Matcher:
        """A matcher at the beginning of a new sequence."""
        return Matcher(self.machine, self._completions)

    def __repr__(self) -> str:
        return f"TokenConstraint({self.machine!r})"


class Constraint(ABC):
    """What may be generated; knows no tokenizer."""

    def __init__(self) -> None:
        self._bound: dict[str, TokenConstraint] = {}

    @abstractmethod
    def build_machine(self, vocabulary: Vocabulary) -> TokenMachine:
        """A new machine over the vocabulary's tokens."""

    @abstractmethod
    def report(self) -> Report:
        """What is enforced, and how."""

    @property
    def key(self) -> str:
        """Hash of what may be generated, the same in every process; empty where none can be told.

        Equal keys mean equal languages; the same language may have several keys.
        """
        return ""

    def bind(self, vocabulary: Vocabulary) -> TokenConstraint:
        """The constraint over a vocabulary's tokens; the same object for an equal vocabulary.

        Raises
        ------
        VocabularyError : no tokens spell any text that satisfies the constraint
        LimitError : a budget of states, memory or time ran out
        """
        if not isinstance(vocabulary, Vocabulary):
            raise TypeError(
                f"bind takes a Vocabulary, not {type(vocabulary).__name__}; "
                "make one with Vocabulary.from_transformers(tokenizer)"
            )
        bound = self._bound.get(vocabulary.content_hash)
        if bound is None:
            bound = TokenConstraint(self.build_machine(vocabulary), self)
            while len(self._bound) >= MOST_BOUND:
                self._bound.pop(next(iter(self._bound)), None)
            self._bound[vocabulary.content_hash] = bound
        return bound

    def __or__(self, other: Constraint) -> Constraint:
        return _combine(self, other, "|")

    def __add__(self, other: Constraint) -> Constraint:
        return _combine(self, other, "+")

    def __and__(self, other: Constraint) -> Constraint:
        return _combine(self, other, "&")


class RegularConstraint(Constraint):
    """A regular language: regex, choice, and what they combine to.

    ``dfa`` is the minimal automaton; ``description`` says where it came from.
    """

    def __init__(self, dfa: Dfa, description: str, *, keyword: str = "regex") -> None:
        super().__init__()
        if dfa.is_empty:
            raise UnsatisfiableError(f"no text satisfies {description}", source=description)
        self.dfa = dfa
        self.description = description
        self.keyword = keyword

    def build_machine(self, vocabulary: Vocabulary) -> TokenMachine:
        from structgen.masks.dfa_machine import DfaMachine

        return DfaMachine(self.dfa, vocabulary)

    def report(self) -> Report:
        sizes = f"{self.dfa.n_states} states, {self.dfa.n_classes} byte classes"
        return Report(self.description, (Enforcement("", self.keyword, "automaton", sizes),))

    @property
    def key(self) -> str:
        dfa = self.dfa
        return content_key("regular", dfa.class_of, dfa.transitions, dfa.accepting, dfa.start)

    def accepts(self, text: str | bytes) -> bool:
        """Whether the whole text satisfies the constraint."""
        return self.dfa.accepts(text)

    def __repr__(self) -> str:
        return f"RegularConstraint({self.description}, {self.dfa.n_states} states)"


def regex(
    pattern: str,
    *,
    flags: int = 0,
    syntax: Literal["python", "ecma"] = "python",
    search: bool = False,
    limits: Limits | None = None,
) -> RegularConstraint:
    """Texts that a regular expression matches as a whole.

    Parameters
    ----------
    pattern : in the syntax of Python's ``re``, or of ECMA-262 with the ``u`` flag
    flags : ``re.IGNORECASE`` and the like; Python's syntax only
    syntax : ``"python"`` or ``"ecma"``
    search : texts in which the pattern is found anywhere, instead of as a whole
    limits : budgets of states and time

    Raises
    ------
    RegexSyntaxError : with the span of the fault
    UnsupportedError : a construct that is not regular, such as a backreference
    UnsatisfiableError : no text matches
    LimitError : the automaton is too large, or takes too long

    Examples
    --------
    >>> regex("[0-9]{4}-[0-9]{2}").accepts("2031-07")
    True
    >>> (regex("yes") | choice(["no", "maybe"])).accepts("maybe")
    True
    """
    from structgen.automata.compile import compile_regex
    from structgen.frontends.regex import parse_ecma, parse_python

    if syntax == "ecma":
        if flags:
            raise ValueError("flags belong to Python's syntax; ECMA-262 patterns carry none here")
        node = parse_ecma(pattern, search=search)
    elif syntax == "python":
        node = parse_python(pattern, flags, search=search)
    else:
        raise ValueError(f"syntax is 'python' or 'ecma', not {syntax!r}")
    return RegularConstraint(compile_regex(node, limits), f"/{pattern}/")


def choice(options: Iterable[str]) -> RegularConstraint:
    """One of the given texts, letter by letter.

    Raises
    ------
    UnsatisfiableError : there are no options
    TypeError : an option is not a string
    """
    from structgen.automata.ops import from_strings

    texts = list(dict.fromkeys(options)) if not isinstance(options, str) else None
    if texts is None or not all(isinstance(text, str) for text in texts):
        raise TypeError("choice takes a list of strings")
    if not texts:
        raise UnsatisfiableError("a choice of no options accepts no text")
    shown = ", ".join(map(repr, texts[:4])) + (", ..." if len(texts) > 4 else "")
    try:
        raw = [text.encode("utf-8") for text in texts]
    except UnicodeEncodeError as error:
        raise UnsatisfiableError("an option holds half a surrogate pair, which no text can", source=shown) from error
    return RegularConstraint(from_strings(raw), f"choice of {shown}", keyword="choice")


def _combine(left: Constraint, right: Any, operator: str) -> Constraint:
    if not isinstance(right, Constraint):
        raise TypeError(f"{operator} combines constraints, not {type(right).__name__}")
    for side in (left, right):
        if not isinstance(side, RegularConstraint):
            raise UnsupportedError(
                f"{operator} combines regular constraints (regex, choice); {side!r} is not one", keyword=operator
            )
    assert isinstance(left, RegularConstraint) and isinstance(right, RegularConstraint)
    from structgen.automata import ops

    combined = {"|": ops.union, "+": ops.concat, "&": ops.intersect}[operator](left.dfa, right.dfa)
    return RegularConstraint(combined, f"({left.description} {operator} {right.description})", keyword=operator)
