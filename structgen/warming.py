"""Load every kernel before a clock is started.

A kernel is compiled at its first call, which takes seconds, and is read from the disk in
later processes, which takes milliseconds, each where it is first needed. A server that
wants its first request to be as fast as the others, or a benchmark that times schemas
rather than compilers, calls ``warm_up`` once. It runs small constraints of every kind over
a toy vocabulary, since calls are the only way to make Numba choose the right variants.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from structgen.constraint import Constraint, choice, regex
from structgen.frontends.formats import FORMATS, format_sample
from structgen.grammar_constraint import gbnf, lark, structural_tags
from structgen.json_constraint import json_schema
from structgen.usual_terminals import prepare_terminals
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["warm_up"]

_DRAFT_7 = "http://json-schema.org/draft-07/schema#"
_SCHEMAS: list[tuple[Any, bytes]] = [
    (
        {"type": "object", "properties": {"a": {"type": "array", "items": {"type": ["number", "string"]}}}},
        b'{"a": [1, "b", -2.5e3], "c\\u00e9": {"d": null}}',
    ),
    (
        {"type": "array", "items": {"type": "string", "minLength": 2, "maxLength": 40}, "maxItems": 3},
        b'["ab", "long text"]',
    ),
    ({"type": "array", "items": {"type": "string", "pattern": "^[a-z]+( [a-z]+)*$"}}, b'["ab cd", "x"]'),
    ({"type": "object", "propertyNames": {"pattern": "^[a-z]+$"}, "maxProperties": 2}, b'{"ab": 1, "c": [true]}'),
    ({"type": "array", "uniqueItems": True}, b'[1, 7, {"a": []}]'),
    ({"type": "array", "uniqueItems": True, "items": {"type": "string"}}, b'["a", "b"]'),
    ({"type": "string", "minLength": 2}, b'"long enough"'),
    ({"type": "array", "contains": {"const": "x"}}, b'["x", 7]'),
    ({"type": "array", "items": {"type": "integer", "minimum": -3, "maximum": 999, "multipleOf": 3}}, b"[-3, 999]"),
    ({"items": [{"type": "integer", "minimum": 0}, {"maximum": 1.5}], "$schema": _DRAFT_7}, b"[7, 1e0]"),
    ({"type": "array", "items": {"format": "date-time"}}, b'["2024-02-29T12:30:00Z"]'),
    ({"oneOf": [{"required": ["a"]}, {"enum": ["x", "yz", None, {"b": 1}]}]}, b'{"a": "free text, some of it"}'),
    ({"anyOf": [{"enum": ["calm", "cross"]}, {"type": "null"}]}, b'"cross"'),
    ({"items": [{"format": "hostname"}, {"format": "ipv6"}], "$schema": _DRAFT_7}, b'["a.xn--bcher-kva.org", "::1"]'),
    (
        {
            "allOf": [
                {"properties": {"a": {"type": "string"}}, "required": ["a"]},
                {"properties": {"a": {"minLength": 2}}},
            ]
        },
        b'{"a": "abc", "b": null}',
    ),
    (
        {
            "patternProperties": {"dir_(work|share)": {}, "net_[a-z]+[0-9]+": {"type": "integer"}, "[a-z0-9_]*": {}},
            "required": ["abc", "abc_def", "net_a1"],
            "additionalProperties": False,
        },
        b'{"abc": 1, "abc_def": 3, "net_a1": 2, "dir_work": {}}',
    ),
    (
        {"properties": {f"p{i}": {"properties": {"q": {"enum": [i, True]}}} for i in range(24)}},
        json.dumps({f"p{i}": {"q": i, "r": [i]} for i in range(24)}).encode(),
    ),
    (
        {"patternProperties": {"^[a-z]*$": {"minimum": 3}, "": {}}, "properties": {"xab": {"type": "null"}}},
        b'{"xab": null, "xa-": 1}',
    ),
    ({"allOf": [{"pattern": "^a"}, {"not": {"pattern": "b$"}}]}, b'"acb c"'),
    ({"pattern": "^(ab|c)+$", "minLength": 3, "maxLength": 9}, b'"abcc"'),
    (
        {"properties": {f"p{i}": {} for i in range(40)}, "maxProperties": 40},
        json.dumps({f"p{i}": 0 for i in range(40)}).encode(),
    ),
    (
        {"$ref": "#/$defs/t", "$defs": {"t": {"items": {"$ref": "#/$defs/t"}, "type": ["array", "null"]}}},
        b"[[null], []]",
    ),
]
"""Every kind of value and of rule, with a document each."""

_CHARACTERS = (
    ".", r"\S", r"[^/]", "[a-z]", "[A-Z]", "[a-zA-Z]", "[a-z0-9]", "[a-zA-Z0-9]", "[a-z_]", "[a-z0-9_]", "[a-z0-9-]",
    r"\w", r"[\w-]", r"[\w.-]", "[a-zA-Z0-9-]", "[a-zA-Z0-9 ]",
)  # fmt: skip
"""Sets of characters that patterns often repeat; what tokens do on each is found once per vocabulary."""

_COMPARED: tuple[tuple[dict[str, Any], bytes], ...] = (
    ({"type": "string", "maxLength": 9}, b'["a","a'), ({"type": "string"}, b'["a","\\'),
    ({"enum": ["a", "b"]}, b'["a",'), ({"type": "object"}, b'[{"a":"a"},{"a":"a'),
)  # fmt: skip
"""Items that are compared, and beginnings of arrays of them: each kind asks for tables of its own."""

_BOUNDS: tuple[dict[str, int], ...] = (
    {"minimum": 0}, {"minimum": 1}, {"exclusiveMinimum": 0}, {"minimum": 0, "maximum": 1}, {"minimum": 1, "maximum": 5},
    {"minimum": 1, "maximum": 10}, {"minimum": 0, "maximum": 100}, {"minimum": 1, "maximum": 100},
    {"minimum": 0, "maximum": 255}, {"minimum": 0, "maximum": 65535}, {"minimum": 1, "maximum": 65535},
    {"minimum": -90, "maximum": 90}, {"minimum": -180, "maximum": 180},
)  # fmt: skip
"""Bounds that numbers often have; an automaton of each takes a tenth of a millisecond or three."""
_INTEGERS_OF_DRAFT_4 = {"$schema": "http://json-schema.org/draft-04/schema#", "type": "integer"}
"""They are written without a fraction, so their automata are others."""

_LALR = 'start: "a" ("," (NAME | TEXT))*\nNAME: /[a-z]+/\nTEXT: /"[^"]*"/\n%ignore " "\n'
_KEYWORDS = """
start: (declaration | call)+
declaration: ("int" | "float") NAME ["=" value] ";"
call: NAME "(" [value ("," value)*] ")" ";"
value: NAME | INTEGER | FLOAT
NAME: /[A-Za-z_][A-Za-z0-9_]*/
INTEGER: /[0-9]+/
FLOAT: /[0-9]+\\.[0-9]+/
%ignore /[ \\n]+/
%ignore /\\/\\/[^\\n]*/
"""
_NAMES = r"""
start: (NAME | "if" | INTEGER)+
NAME: /(?a:[^\W\di]\w*|i([^\Wf]\w*|f\w+|(?!\w)))/
INTEGER: /[0-9]+(?![a-z]|\.\.)/
%ignore " "
"""
_COLLIDING = r"""
start: (rule | assign | _NL)*
rule: WORD+ ":" WORD* _NL RECIPE*
assign: WORD OP VALUE? _NL
OP: "=" | ":="
WORD: /[a-z.$()%*]+/
VALUE: /[^\s#][^\n#]*/
RECIPE: /\t[^\n]+\n/
COMMENT: /#[^\n]*/
_NL: /(\r?\n)+/
%ignore / +/
%ignore COMMENT
"""
"""Values that read on where words end, so what may follow is asked of the stack."""
_INDENTED = """
start: (_NEWLINE | statement)*
statement: NAME _NEWLINE | "if" NAME ":" _NEWLINE _INDENT statement+ _DEDENT
NAME: /[a-z]+/
_NEWLINE: /(\\r?\\n[\\t ]*)+/
%declare _INDENT _DEDENT
%ignore /[ \\t]+/
"""


def warm_up(vocabulary: Vocabulary | None = None, *, freeze: bool = True) -> None:
    """Load every kernel of constraints, masks and samplers, and prepare a vocabulary.

    Takes seconds where kernels are read from the disk, minutes where they are compiled
    first (the first time on a machine, or after an update), and nothing when repeated.

    Parameters
    ----------
    vocabulary : what is computed once per vocabulary, such as its plain string tokens, is
        computed too: what they do in the usual names, strings, numbers and comments of grammars (a second, and
        6 MB for 128k tokens), and the automata of ``format``
    freeze : keep what is loaded by then out of later garbage collections (``gc.freeze``). The compiler behind the
        kernels leaves some 150,000 objects, and a full collection that visits them stops a text for tens of
        milliseconds

    Examples
    --------
    >>> warm_up()
    """
    _warm_up_kernels()
    if vocabulary is not None:
        from structgen.masks.lexeme_runs import lexeme_runs

        for constraint, text in _constraints():
            _fill(constraint, vocabulary, text)
        lexeme_runs(vocabulary).prepare()
        prepare_terminals(vocabulary)
        for name in FORMATS:
            _fill(json_schema({"type": "string", "format": name}), vocabulary, b'"')
            format_sample(name)
        for characters in _CHARACTERS:
            _fill(json_schema({"type": "string", "pattern": f"^{characters}+$"}), vocabulary, b'"')
        for items, text in _COMPARED:
            _fill(json_schema({"type": "array", "items": items, "uniqueItems": True}), vocabulary, text)
        for bounds in _BOUNDS:
            for kind in ({"type": "number"}, {"type": "integer"}, _INTEGERS_OF_DRAFT_4):
                if kind is not _INTEGERS_OF_DRAFT_4 or "exclusiveMinimum" not in bounds:
                    _fill(json_schema(kind | bounds), vocabulary, b"1")
    if freeze:
        gc.collect()
        gc.freeze()


@lru_cache(maxsize=1)
def _warm_up_kernels() -> None:
    from structgen.masks.warm_up import warm_up as warm_up_masks

    warm_up_masks()
    vocabulary = _vocabulary()
    for constraint, text in _constraints():
        _walk(constraint, vocabulary, text)
    _warm_up_known_parts(vocabulary)
    _warm_up_samplers(vocabulary)
    _warm_up_monitors(vocabulary)


def _vocabulary() -> Vocabulary:
    """Every byte, and enough longer tokens that walks which skip subtrees have some to skip."""
    words = [b'"a', b'": ', b'", "', b"aaa", b"abc", b" text", b"], [", b"  ", b'"}', b"01", b"\\u00", "é".encode()]
    pairs = [bytes([a, b]) for a in b"abcdefgh" for b in b"ijklmnop"]
    tokens = [*(bytes([byte]) for byte in range(256)), *words, *pairs]
    return Vocabulary.from_bytes([*tokens, b"</s>"], eos_ids=[len(tokens)])


def _constraints() -> Iterator[tuple[Constraint, bytes]]:
    for schema, document in _SCHEMAS:
        yield json_schema(schema, property_order="any", whitespace="any"), document
        yield json_schema(schema), document
    yield regex("[a-z]{2,40}é?") & regex(".*x.*") | choice(["no"]), b"abcx"
    yield lark(_LALR), b'a, bc , "d e"'
    yield lark(_LALR, parser="earley"), b'a, bc , "d e"'
    yield lark(_KEYWORDS), b"int interest = 12; // what\nf(1.5, a);"
    yield lark(_NAMES), b"if interest i ifx 12"
    yield lark(_COLLIDING), b"ab := c d # e\nall: a\n\tf $(x)\n"
    yield lark(_INDENTED), b"a\nb\n"
    yield gbnf('root ::= [a-z]+ ("," root)?'), b"ab,c"
    yield structural_tags([("<", regex("[0-9]+"), ">")]), b"text <12> text"


def _fill(constraint: Constraint, vocabulary: Vocabulary, text: bytes) -> None:
    """The masks along one sequence, and one at the limit of a budget."""
    matcher = constraint.bind(vocabulary).start()
    row = np.zeros(vocabulary.n_words, dtype=np.uint32)
    for token_id in vocabulary.encode_bytes(text):
        matcher.fill_mask(row)
        matcher.advance(token_id)
    matcher.fill_mask(row)
    if matcher.is_accepting:
        matcher.fill_mask(row, 1)


def _walk(constraint: Constraint, vocabulary: Vocabulary, text: bytes) -> None:
    """One sequence in every way a matcher is used."""
    matcher = constraint.bind(vocabulary).start()
    row = np.zeros(vocabulary.n_words, dtype=np.uint32)
    token_ids = vocabulary.encode_bytes(text)
    for token_id in token_ids:
        matcher.fill_mask(row)
        matcher.fork().fill_mask(row, 400)
        matcher.fork().fill_mask(row, len(matcher.fork().shortest_completion_tokens()))
        matcher.forced_bytes()
        matcher.advance(token_id)
    matcher.fill_mask(row)
    matcher.rollback(len(token_ids) // 2)
    matcher.advance_bytes(text[len(matcher.text_bytes) :])
    matcher.fork().shortest_completion_tokens()


def _warm_up_known_parts(vocabulary: Vocabulary) -> None:
    from structgen.masks.grammar_machine import GrammarMachine
    from structgen.masks.learned_parts import learn

    chosen = lark("start: /[a-z]+[0-9]*/+").chosen
    learn(chosen.automaton(), vocabulary)
    machine = GrammarMachine(chosen.automaton(), vocabulary, heavy=1)
    row = np.zeros(vocabulary.n_words, dtype=np.uint32)
    config = machine.advance_bytes(machine.start(), b"ab1")
    machine.fill_mask(config, row)
    machine.warm_up()


def _warm_up_monitors(vocabulary: Vocabulary) -> None:
    """Static analysis beside no grammar, and beside those that answer for many names at once and for one at a time."""
    from structgen.monitors.machine import FreeMachine
    from structgen.monitors.warm_up import warm_up as warm_up_monitors

    dotted = lark('start: NAME ("." NAME)*\nNAME: /[a-z]+/\n%ignore /[ \\n]+/\n')
    constraints = (regex("[a-z.\\n ]*"), dotted, structural_tags([("<", regex("[0-9]+"), ">")]))
    warm_up_monitors([FreeMachine(vocabulary), *(each.bind(vocabulary).machine for each in constraints)])


def _warm_up_samplers(vocabulary: Vocabulary) -> None:
    """Draws with and without truncation, a predicate, resampling, learning."""
    from structgen.models.table import Table
    from structgen.potentials import predicate
    from structgen.samplers import AWRS, CARS, SMC, ASAp, Masking

    even = np.full(vocabulary.n_tokens, 1.0 / vocabulary.n_tokens)
    model = Table.from_function(lambda prefix: even, vocabulary=vocabulary)
    mask = regex("[a-z]{1,3}")
    opaque = predicate(str.isalpha, prefix=lambda text: len(text) < 4)
    for temperature, top_k in ((1.0, 0), (0.0, 0), (0.7, 5)):
        Masking(temperature=temperature, top_k=top_k).sample(model, constraint=mask, max_tokens=5, seed=0)
    for sampler in (AWRS(), SMC(particles=3), ASAp(), CARS(batch_size=2)):
        sampler.sample(model, constraint=mask, n=2, max_tokens=5, seed=0)
    AWRS().sample(model, constraint=opaque, max_tokens=5, seed=0)
