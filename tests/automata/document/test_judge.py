"""The judge of finished values agrees with jsonschema on small random schemas and documents."""

from __future__ import annotations

import json
import random
from decimal import Decimal

import pytest
from jsonschema import Draft202012Validator

from structgen.automata.document.formulas import Reducer
from structgen.automata.document.judge import Judge, canonical, parsed, value_of
from structgen.frontends.jsonschema.build import SchemaSource
from tests.automata.document.test_oracle import Schemas, documents


@pytest.mark.parametrize("seed", range(40))
def test_judge_agrees_with_jsonschema(seed: int) -> None:
    schema = Schemas(seed).schema(2)
    source = SchemaSource(schema)
    judge = Judge(Reducer(source.resolve))
    is_valid = Draft202012Validator(schema).is_valid
    for text, value in random.Random(seed).sample(documents(), 150):
        assert judge.verdicts((source.root,), text.encode()) == (is_valid(value),), (schema, text)


def test_numbers_are_exact() -> None:
    source = SchemaSource({"multipleOf": 0.01})
    judge, goal = Judge(Reducer(source.resolve)), source.root
    assert judge.holds(goal, Decimal("19.99"))
    assert judge.holds(goal, 4.02)
    assert not judge.holds(goal, Decimal("19.995"))
    assert not judge.holds(goal, Decimal("1e-30"))
    assert judge.verdicts((goal,), json.dumps(10**40).encode()) == (True,)
    assert judge.verdicts((goal,), b"7e99999999") == (True,)  # without writing the number out
    assert judge.verdicts((goal,), b"7e-99999999") == (False,)
    assert judge.verdicts((goal,), b"0e-99999999") == (True,)
    assert judge.verdicts((goal,), b"3" * 5000) == (True,)


def test_equal_values_have_one_canonical_text() -> None:
    assert canonical(1) == canonical(1.0) == canonical(Decimal("1E0")) == canonical(Decimal("100e-2"))
    assert canonical(0) == canonical(-0.0)
    assert canonical({"a": [10]}) == canonical({"a": [Decimal("1e1")]})
    assert len({canonical(v) for v in (1, True, "1", [1], {"n": "1E0"}, 10**30, 10**30 + 1)}) == 7


def test_canonical_texts_tell_their_value() -> None:
    for text in ('{"a": [1.5, "x", null]}', "1e4714", "-120", "0.0", '"1"'):
        assert canonical(value_of(canonical(parsed(text)))) == canonical(parsed(text))
