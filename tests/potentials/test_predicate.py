"""Predicates: what they see, what they may not do, and the laws of a potential."""

import numpy as np
import pytest

from structgen.errors import PredicateError, UnsatisfiableError
from structgen.models.table import Table
from structgen.potentials import predicate, product
from structgen.potentials.cursor import CheckCounter, set_token_ids
from structgen.samplers import AWRS, SMC
from structgen.testing import check_potential
from structgen.vocab.vocabulary import Vocabulary

VOCABULARY = Vocabulary.from_bytes([b"a", b"b", b"ab", "é".encode()[:1], "é".encode()[1:], b"<s>"], eos_ids=[5])
A, B, AB, E1, E2, END = range(6)


def model():
    return Table.from_function(lambda prefix: np.ones(6), vocabulary=VOCABULARY)


def seen_by(**options):
    """Texts a predicate is shown in a run."""
    seen = []
    asking = predicate(lambda t: seen.append(t) or True, prefix=lambda t: seen.append(t) or True, **options)
    AWRS().sample(model(), constraint=asking, n=20, max_tokens=4, seed=1)
    return seen


def test_text_predicates_see_str_without_cut_characters():
    seen = seen_by()
    assert seen and all(isinstance(t, str) for t in seen)
    assert not any("�" in t for t in seen)
    assert any("é" in t for t in seen)


def test_bytes_predicates_see_bytes():
    assert {type(t) for t in seen_by(on="bytes")} == {bytes}


def test_bytes_that_are_no_text_are_refused_without_a_call():
    def fail(text):
        raise AssertionError(text)

    bound = predicate(fail).bind(VOCABULARY)
    assert bound.complete([E2]) == -np.inf
    assert bound.complete([A, E1]) == -np.inf


def test_decorator():
    @predicate
    def even(text):
        return len(text) % 2 == 0

    samples = AWRS().sample(model(), constraint=even, n=20, max_tokens=5, seed=2)
    kept = [t for t, w in zip(samples.texts, samples.log_weights, strict=True) if w > -np.inf]
    assert kept and all(len(t) % 2 == 0 for t in kept)


def test_on_must_be_known():
    with pytest.raises(ValueError, match="text"):
        predicate(bool, on="words")


@pytest.mark.parametrize("where", ["complete", "prefix"])
@pytest.mark.parametrize("sampler", [AWRS(), SMC(particles=2)], ids=["awrs", "smc"])
def test_a_predicate_that_raises(where, sampler):
    def broken(text):
        if "a" in text:
            raise KeyError("no such column")
        return True

    bad = predicate(broken) if where == "complete" else predicate(prefix=broken)
    with pytest.raises(PredicateError) as caught:
        sampler.sample(model(), constraint=bad, n=40, max_tokens=6, seed=0)
    assert "a" in caught.value.text
    assert isinstance(caught.value.__cause__, KeyError)


@pytest.mark.parametrize("answer", [1, None, "yes", 0.0])
def test_a_predicate_that_returns_no_bool(answer):
    with pytest.raises(PredicateError) as caught:
        AWRS().sample(model(), constraint=predicate(lambda t: answer), n=40, max_tokens=3, seed=0)
    assert isinstance(caught.value.text, str)


def test_numpy_bools_are_bools():
    assert AWRS().sample(model(), constraint=predicate(lambda t: np.bool_(True)), max_tokens=3, seed=0).texts


def test_a_predicate_that_is_not_monotone():
    """Refuses "a" but accepts "ab", which begins with it."""
    with pytest.raises(PredicateError) as caught:
        AWRS().sample(model(), constraint=predicate(prefix=lambda t: t != "a"), n=200, max_tokens=3, seed=0)
    assert caught.value.text.startswith(b"a")


def test_a_complete_text_with_a_refused_prefix_is_a_contradiction():
    bound = predicate(lambda t: t == "ab", prefix=lambda t: t == "").bind(VOCABULARY)
    with pytest.raises(PredicateError):
        bound.complete([A, B])


def test_the_empty_prefix_refused():
    with pytest.raises(UnsatisfiableError):
        AWRS().sample(model(), constraint=predicate(prefix=lambda t: False), max_tokens=3, seed=0)


def test_answers_are_remembered():
    asked = []
    bound = predicate(prefix=lambda t: asked.append(t) or True, on="bytes").bind(VOCABULARY)
    checks = CheckCounter()
    cursor = bound.begin(checks)
    for _ in range(3):
        assert cursor.fork().allows(A)
    assert asked == [b"", b"a"]
    assert checks.n == 2


def test_laws_of_a_potential():
    check_potential(
        predicate(lambda t: t.endswith(b"b") and b"bb" not in t, prefix=lambda t: b"bb" not in t, on="bytes").bind(
            VOCABULARY
        ),
        VOCABULARY,
        max_tokens=3,
    )


def test_settle_asks_about_every_token_left():
    bound = predicate(lambda t: False, prefix=lambda t: not t.startswith(b"a"), on="bytes").bind(VOCABULARY)
    row = bound.base.copy()
    bound.begin(CheckCounter()).settle(row)
    assert set_token_ids(row, 6).tolist() == [B, E1, E2]


def test_without_a_prefix_question_only_the_end_is_asked_about():
    asked = []
    bound = predicate(lambda t: asked.append(t) or False, on="bytes").bind(VOCABULARY)
    row = bound.base.copy()
    bound.begin(CheckCounter()).settle(row)
    assert set_token_ids(row, 6).tolist() == [A, B, AB, E1, E2]
    assert asked == [b""]


def test_product_is_the_intersection():
    both = product(predicate(lambda t: "b" in t), [predicate(prefix=lambda t: "a" not in t), None])
    samples = AWRS().sample(model(), constraint=both, n=60, max_tokens=4, seed=3)
    kept = {t for t, w in zip(samples.texts, samples.log_weights, strict=True) if w > -np.inf}
    assert kept and all("b" in t and "a" not in t for t in kept)


def test_what_is_no_target():
    with pytest.raises(TypeError):
        AWRS().sample(model(), constraint=3.5, max_tokens=3)
