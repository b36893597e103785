"""Constraints from grammars: Lark's notation and GBNF; and structural tags around constraints.

``Constraint`` subclasses that read their notation at once, so that errors come from the
constructor, and build their machine when bound.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Any, Literal
from weakref import WeakKeyDictionary, WeakValueDictionary

from structgen.automata.grammar.choose import ChosenParser
from structgen.automata.ordered import check_assertions
from structgen.constraint import Constraint, Enforcement, Report
from structgen.errors import GrammarSyntaxError, UnsupportedError
from structgen.ir.grammar import Grammar
from structgen.json_constraint import JsonSchemaConstraint, json_schema
from structgen.keys import content_key
from structgen.masks.machine import TokenMachine
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["GrammarConstraint", "Tag", "TagConstraint", "gbnf", "lark", "structural_tags"]

ParserName = Literal["auto", "lalr", "earley"]


_machines: WeakKeyDictionary[ChosenParser, WeakValueDictionary[str, Any]] = WeakKeyDictionary()
"""Bound grammars in use: the same grammar read twice shares its masks."""
_machines_lock = RLock()


class GrammarConstraint(Constraint):
    """The sentences of a context-free grammar.

    ``grammar`` is what was read; ``parser`` is ``"lalr"`` or ``"earley"``, whose language
    (with Lark's contextual or dynamic lexer) is the one enforced; ``warnings`` are
    sentences about parts of the grammar that have no effect.
    """

    def __init__(self, chosen: ChosenParser, title: str, *, source: str = "", cache: bool = True) -> None:
        super().__init__()
        self.chosen = chosen
        self.grammar = chosen.grammar
        self.title = title
        self.source = source
        self.cache = cache
        self.parser = chosen.name
        self.warnings = chosen.warnings
        self.schemas: dict[int, JsonSchemaConstraint] = {
            terminal: json_schema(schema) for terminal, schema in chosen.grammar.schemas.items()
        }

    def build_machine(self, vocabulary: Vocabulary) -> TokenMachine:
        from structgen.masks.grammar_machine import GrammarMachine

        if self.schemas or self.grammar.specials:
            return self._with_islands(vocabulary)
        if not self.cache:
            return GrammarMachine(self.chosen.automaton(), vocabulary)
        with _machines_lock:
            machines = _machines.setdefault(self.chosen, WeakValueDictionary())
            machine = machines.get(vocabulary.content_hash)
            if machine is None:
                machine = machines[vocabulary.content_hash] = GrammarMachine(self.chosen.automaton(), vocabulary)
        return machine

    def _with_islands(self, vocabulary: Vocabulary) -> TokenMachine:
        from structgen.masks.island_machine import IslandMachine

        machines = {terminal: schema.bind(vocabulary).machine for terminal, schema in self.schemas.items()}
        return IslandMachine(self.chosen.automaton(), vocabulary, machines, self.grammar.specials)

    @property
    def key(self) -> str:
        return content_key("grammar", self.parser, self.grammar)

    def accepts(self, text: str | bytes) -> bool:
        """Whether the whole text is a sentence."""
        data = text.encode("utf-8") if isinstance(text, str) else text
        if self.schemas or self.grammar.specials:
            return self._accepts_with_islands(data)
        with self.chosen.lock:
            automaton = self.chosen.shared_automaton()
            threads = automaton.advance(automaton.start(), data) if data else automaton.start()
            return (bool(threads) or not data) and automaton.is_accepting(threads)

    def _accepts_with_islands(self, data: bytes) -> bool:
        """The same where special tokens are written by their names."""
        names = sorted(set(self.grammar.specials.values()))
        letters = [bytes([byte]) for byte in range(256)]
        vocabulary = Vocabulary.from_bytes(
            [*letters, *(name.encode() for name in names), b"</s>"],
            eos_ids=[256 + len(names)],
            special_ids=range(256, 256 + len(names)),
        )
        machine = self.bind(vocabulary).machine
        config = machine.start()
        for part in re.split("(" + "|".join(map(re.escape, names)) + ")", data.decode("latin-1")) if names else [None]:
            if part in names:
                config = machine.advance(config, 256 + names.index(part))
            else:
                config = machine.advance_bytes(config, data if part is None else part.encode("latin-1"))
            if config is None:
                return False
        return machine.is_accepting(config)

    def report(self) -> Report:
        grammar = self.grammar
        sizes = f"{len(grammar.terminals)} terminals, {len(grammar.productions)} productions, {self.parser}"
        entries = [Enforcement("", "grammar", "automaton", sizes)]
        for terminal, schema in self.schemas.items():
            entries += [Enforcement(f"/{grammar.name(terminal)}{e.pointer}", e.keyword, e.how, e.note)
                        for e in schema.report().entries]  # fmt: skip
        entries += [Enforcement("", "warning", "annotation", text) for text in self.warnings]
        return Report(self.title, tuple(entries))

    def __repr__(self) -> str:
        return f"GrammarConstraint({self.title}, {len(self.grammar.productions)} productions, {self.parser})"


def lark(
    grammar: str | os.PathLike[str],
    *,
    start: str = "start",
    parser: ParserName = "auto",
    import_paths: tuple[str, ...] = (),
    cache: bool = True,
) -> GrammarConstraint:
    """Texts that a Lark grammar accepts.

    The language is the one Lark accepts: with ``parser="lalr"`` what ``Lark(grammar,
    parser="lalr")`` does (contextual lexer, shift preferred over reduce), with
    ``"earley"`` what ``Lark(grammar)`` does (dynamic lexer). ``"auto"`` takes LALR where
    the grammar has no conflict at all and no rule asks for an ignored terminal, or it is indented, and Earley
    otherwise.

    Beyond Lark's notation, a rule may hold ``%json { schema }``, which is JSON as
    ``json_schema`` has it, and special tokens of the vocabulary by name, ``<|tool|>``. Each
    begins where no lexeme could go on with its first byte.

    Parameters
    ----------
    grammar : the grammar's text, or the path of a ``.lark`` file (a string is taken for a
        path where it has one line and ends in ``.lark``)
    start : the rule to start from
    import_paths : folders in which ``%import`` looks first
    cache : whether to look for the compiled grammar, and to keep it, in this process and (what
        takes long) on disk; grammars that import files of their own are not kept

    Raises
    ------
    GrammarSyntaxError : Lark cannot read it, a symbol is undefined or derives no text
    UnsupportedError : a declared terminal nobody feeds, an assertion no automaton decides
    LimitError : the grammar needs too many states

    Examples
    --------
    >>> sums = lark('start: NUMBER ("+" NUMBER)*\\nNUMBER: /[0-9]+/')
    >>> sums.accepts("1+20"), sums.accepts("1+")
    (True, False)
    """
    from structgen.frontends.lark import read_lark
    from structgen.grammar_store import compiled

    text, path = _text_and_path(grammar, ".lark")

    def read() -> Grammar:
        found = read_lark(text, start=start, source_path=path or "<string>", import_paths=import_paths)
        _decide_assertions(found, text)
        return found

    chosen = compiled("lark", text, [start, *import_paths], parser, read, keep=cache)
    return GrammarConstraint(chosen, Path(path).name if path else "Lark grammar", source=text, cache=cache)


def _decide_assertions(grammar: Grammar, text: str) -> None:
    """Refuse a grammar with a lookaround that no automaton decides when it is read, not at its first mask."""
    from structgen.frontends.lark.messages import located

    for terminal in grammar.terminals:
        if terminal.pattern is not None and "(?<" in terminal.source:
            try:
                check_assertions(terminal.pattern, terminal.name)
            except UnsupportedError as error:
                raise located(error, text, terminal.name) from None


def gbnf(grammar: str | os.PathLike[str], *, start: str = "root") -> GrammarConstraint:
    """Texts that a GBNF grammar (llama.cpp's notation) accepts.

    Parameters
    ----------
    grammar : the grammar's text, or the path of a ``.gbnf`` file
    start : the rule to start from

    Raises
    ------
    GrammarSyntaxError : with the place: bad notation, an undefined rule, one that derives no text

    Examples
    --------
    >>> answer = gbnf('root ::= ("yes" | "no") "!"{0,2}')
    >>> answer.accepts("no!!"), answer.accepts("maybe")
    (True, False)
    """
    from structgen.frontends.gbnf import read_gbnf
    from structgen.grammar_store import compiled

    text, path = _text_and_path(grammar, ".gbnf")
    title = Path(path).name if path else "GBNF grammar"
    chosen = compiled("gbnf", text, [start], "auto", lambda: read_gbnf(text, start=start), keep=True)
    return GrammarConstraint(chosen, title, source=text)


@dataclass(frozen=True)
class Tag:
    """``begin``, then a text of ``constraint``, then ``end``; both strings are part of the output."""

    begin: str
    constraint: Constraint
    end: str


class TagConstraint(Constraint):
    """Free text in which each *begin* string starts a constrained part."""

    def __init__(self, tags: tuple[Tag, ...], at_least: int, at_most: int | None) -> None:
        super().__init__()
        self.tags = tags
        self.at_least, self.at_most = at_least, at_most

    def build_machine(self, vocabulary: Vocabulary) -> TokenMachine:
        from structgen.masks.tag_machine import BoundTag, TagMachine

        bound = tuple(
            BoundTag(tag.begin.encode(), tag.constraint.bind(vocabulary).machine, tag.end.encode()) for tag in self.tags
        )
        return TagMachine(bound, vocabulary, self.at_least, self.at_most)

    @property
    def key(self) -> str:
        tags = [(tag.begin, tag.constraint.key, tag.end) for tag in self.tags]
        return content_key("tags", tags, self.at_least, self.at_most) if all(key for _, key, _ in tags) else ""

    def report(self) -> Report:
        parts = [Enforcement(f"/{i}{e.pointer}", e.keyword, e.how, e.note)
                 for i, tag in enumerate(self.tags) for e in tag.constraint.report().entries]  # fmt: skip
        most = "any number" if self.at_most is None else str(self.at_most)
        count = Enforcement("", "structural_tags", "automaton", f"{self.at_least} to {most} tags")
        return Report("structural tags", (count, *parts))

    def __repr__(self) -> str:
        return f"TagConstraint({', '.join(repr(tag.begin) for tag in self.tags)})"


def structural_tags(
    tags: Iterable[Tag | tuple[str, Constraint, str]], *, at_least: int = 0, at_most: int | None = None
) -> TagConstraint:
    """Free text until one of the tags' *begin* strings; then its constraint and its *end* string; then free text again.

    For tool calls and thinking blocks. Where one begin string is the prefix of another,
    the shorter one starts its tag. After ``at_most`` tags no begin string is allowed.

    Parameters
    ----------
    tags : ``Tag``s or (begin, constraint, end), no string empty
    at_least : tags that must be finished before the text may end
    at_most : tags that may occur; None for no limit

    Raises
    ------
    ValueError : no tags, an empty string, the same begin twice, or ``at_most`` below ``at_least``

    Examples
    --------
    >>> import structgen as sg
    >>> structural_tags([("<n>", sg.regex("[0-9]+"), "</n>")], at_least=1)
    TagConstraint('<n>')
    """
    found = tuple(tag if isinstance(tag, Tag) else Tag(*tag) for tag in tags)
    if not found:
        raise ValueError("structural_tags needs at least one tag")
    if not all(tag.begin and tag.end for tag in found):
        raise ValueError("begin and end strings of a tag must not be empty")
    if len({tag.begin for tag in found}) != len(found):
        raise ValueError("two tags have the same begin string")
    if at_least < 0 or (at_most is not None and at_most < max(at_least, 1)):
        raise ValueError("at_most must be at least 1 and not below at_least")
    return TagConstraint(found, at_least, at_most)


def _text_and_path(grammar: str | os.PathLike[str], suffix: str) -> tuple[str, str | None]:
    """The text of a grammar given as text or path."""
    is_path = isinstance(grammar, os.PathLike) or ("\n" not in grammar and str(grammar).strip().endswith(suffix))
    if not is_path:
        return str(grammar), None
    path = Path(os.fspath(grammar)).expanduser()
    try:
        return path.read_text(encoding="utf-8"), str(path.resolve())
    except (OSError, UnicodeDecodeError) as error:
        raise GrammarSyntaxError(f"cannot read the grammar file {path}: {error}") from None
