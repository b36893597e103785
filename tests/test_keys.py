"""Keys of content: equal for equal content, in another process too, and different for everything else."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest

import structgen as sg
from structgen.constraint import Constraint
from structgen.keys import content_key


@dataclass
class Pair:
    left: object
    right: object = None


VALUES = [
    *(None, True, 1, 1.0, "1", b"1", (1,), {1}, {1: 1}, Pair(1), Pair(None, 1), ((1,),), (1, 2), (2, 1), "a\x00", "a"),
    *(np.array([1, 2]), np.array([1.0, 2.0]), np.array([[1, 2]]), ("ab", "c"), ("a", "bc")),
]


def test_different_content_has_different_keys() -> None:
    keys = [content_key(value) for value in VALUES]
    assert len(set(keys)) == len(keys)
    assert content_key(1, 2) != content_key((1, 2))


def test_order_of_sets_and_mappings_does_not_count() -> None:
    assert content_key({"a": 1, "b": 2}) == content_key({"b": 2, "a": 1})
    assert content_key(frozenset("abc")) == content_key(set("cba"))


def test_shared_parts_cost_nothing_extra() -> None:
    value: object = Pair(0)
    for _ in range(60):  # 2**60 leaves, were they told apart
        value = Pair(value, value)
    assert len(content_key(value)) == 40


def test_what_has_no_content_is_refused() -> None:
    with pytest.raises(TypeError):
        content_key([object()])


OBJECT = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}
SWAPPED = {"type": "object", "properties": {"b": {"type": "integer"}, "a": {"type": "string"}}}
GRAMMAR = 'start: WORD ("," WORD)*\nWORD: /[a-z]+/\n%ignore " "\n'
DIFFERENT = {
    "regex": "sg.regex('[ab]c')",
    "other regex": "sg.regex('[ab]d')",
    "choice": "sg.choice(['ac'])",
    "schema": f"sg.json_schema({OBJECT})",
    "declared order": f"sg.json_schema({SWAPPED})",
    "any order": f"sg.json_schema({OBJECT}, property_order='any')",
    "whitespace": f"sg.json_schema({OBJECT}, whitespace='any')",
    "formats": f"sg.json_schema({OBJECT}, formats='annotate')",
    "registry": f"sg.json_schema({OBJECT}, registry={{'http://x/y': {{}}}})",
    "grammar": f"sg.lark({GRAMMAR!r})",
    "earley": f"sg.lark({GRAMMAR!r}, parser='earley')",
    "gbnf": """sg.gbnf('root ::= "a"+')""",
    "tags": "sg.structural_tags([('<', sg.regex('a'), '>')])",
    "tags once": "sg.structural_tags([('<', sg.regex('a'), '>')], at_most=1)",
    "tags of another": "sg.structural_tags([('<', sg.regex('b'), '>')])",
}


def make(expression: str) -> Constraint:
    made = eval(expression, {"sg": sg})
    assert isinstance(made, Constraint)
    return made


def test_constraints_of_different_content_have_different_keys() -> None:
    keys = {name: make(expression).key for name, expression in DIFFERENT.items()}
    assert all(keys.values())
    assert len(set(keys.values())) == len(keys)


def test_the_same_text_of_a_language_has_the_same_key_however_it_is_written() -> None:
    assert sg.regex("a|b").key == sg.regex("[ab]").key == sg.choice(["b", "a"]).key


def test_keys_are_the_same_in_another_process() -> None:
    program = f"import structgen as sg\nfor e in {list(DIFFERENT.values())!r}: print(eval(e).key)"
    environment = os.environ | {"PYTHONHASHSEED": "7", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [make(expression).key for expression in DIFFERENT.values()]


def test_bound_constraints_have_keys_of_their_vocabulary() -> None:
    constraint = sg.regex("a+")
    one = sg.Vocabulary.from_bytes([b"a", b"</s>"], eos_ids=[1])
    other = sg.Vocabulary.from_bytes([b"a", b"aa", b"</s>"], eos_ids=[2])
    assert constraint.bind(one).key == sg.regex("aa*").bind(one).key != constraint.bind(other).key


def test_what_depends_on_the_world_outside_has_no_key() -> None:
    class Outside(Constraint):
        def build_machine(self, vocabulary: object) -> object:  # type: ignore[override]
            raise NotImplementedError

        def report(self) -> object:  # type: ignore[override]
            raise NotImplementedError

    assert Outside().key == ""
    assert sg.structural_tags([("<", Outside(), ">")]).key == ""  # type: ignore[abstract]
