"""Masking: exact weights by exhausting its randomness, budgets, batches, streams."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import structgen as sg
from structgen.errors import IncompleteError, ModelError
from structgen.models.table import Table
from structgen.samplers.decoding import Row, decode_rows
from structgen.samplers.masking import Masking, Request
from structgen.samplers.samples import Samples, Timings
from structgen.samplers.transforms import Transform, TransformedModel
from structgen.vocab.vocabulary import Vocabulary
from tests.support.enumerable import Case, random_case, toy

Ids = tuple[int, ...]


class _NeedsUniform(Exception):
    pass


class _Script:
    """Stands in for a generator: hands out given uniforms, then stops the run."""

    def __init__(self, uniforms: list[float]) -> None:
        self.left = list(uniforms)

    def random(self) -> float:
        if not self.left:
            raise _NeedsUniform
        return self.left.pop(0)


def exhaust(
    model: Any, constraint: Any, transform: Transform, max_tokens: int, proposal: Callable[[Ids, Any], np.ndarray]
) -> Iterator[tuple[float, Row]]:
    """Every outcome of a masked run with its probability, the proposal being computed apart by ``proposal``.

    Each draw's [0, 1) splits into one interval per token; the run is repeated with the
    middle of each. So both the draw and its weight are under test.
    """
    stack: list[tuple[float, list[float]]] = [(1.0, [])]
    while stack:
        p, uniforms = stack.pop()
        row = Row(0, constraint.start(), _Script(uniforms), max_tokens)  # type: ignore[arg-type]
        try:
            list(decode_rows(model, [[]], [row], transform, timings=Timings()))
        except _NeedsUniform:
            shares = proposal(tuple(row.token_ids), row.matcher)
            ends = np.cumsum(shares)
            for share, end in zip(shares, ends, strict=True):
                if share > 0:
                    stack.append((p * share, [*uniforms, end - share / 2]))
        else:
            yield p, row


def masked_proposal(model: Table, transform: Transform, max_tokens: int) -> Callable[[Ids, Any], np.ndarray]:
    """Interval lengths of one draw, in the order the draw walks them."""

    def proposal(ids: Ids, matcher: Any) -> np.ndarray:
        probs = model.probs(ids).copy()
        mask = np.zeros(model.vocabulary.n_words, dtype=np.uint32)
        matcher.fill_mask(mask, max_tokens - len(ids))
        allowed = np.unpackbits(mask.view(np.uint8), bitorder="little")[: len(probs)].astype(bool)
        with np.errstate(divide="ignore"):
            scores = np.log(np.where(allowed, probs, 0.0))
        shares = np.exp(transform.apply(scores))
        return shares[np.argsort(-scores, kind="stable")] if transform.truncates else shares

    return proposal


def credited(outcomes: Iterator[tuple[float, Row]]) -> dict[Ids, float]:
    found: dict[Ids, float] = {}
    for p, row in outcomes:
        ids = tuple(row.token_ids)
        if row.log_weight == -math.inf:
            continue
        found[ids] = found.get(ids, 0.0) + p * math.exp(row.log_weight)
    return found


@pytest.mark.parametrize("case", [toy(), toy(0.9), *map(random_case, range(30))], ids=lambda case: case.name)
def test_expected_weight_of_every_sequence_is_its_probability(case: Case) -> None:
    outcomes = exhaust(
        case.model, case.mask, Transform(), case.max_tokens, masked_proposal(case.model, Transform(), case.max_tokens)
    )
    assert credited(outcomes) == pytest.approx(case.exact, abs=1e-7)


def test_golden_toy_masking_halves_what_the_target_does_not() -> None:
    case = toy()
    runs = list(
        exhaust(case.model, case.mask, Transform(), 6, masked_proposal(case.model, Transform(), case.max_tokens))
    )
    assert sum(p for p, row in runs if bytes(row.data) == b"00000") == pytest.approx(0.5)
    assert sum(p * math.exp(row.log_weight) for p, row in runs) == pytest.approx(17 / 32, abs=1e-6)


@pytest.mark.parametrize("case", [*map(random_case, range(6, 10))], ids=lambda case: case.name)
def test_with_temperature_weights_are_proper_for_the_tempered_model(case: Case) -> None:
    transform = Transform(temperature=0.6)
    tempered = Table.from_function(
        lambda prefix: case.model.probs(prefix) ** (1 / 0.6), vocabulary=case.model.vocabulary
    )
    target = Case("tempered", tempered, case.language, case.max_tokens).exact
    outcomes = exhaust(
        case.model, case.mask, transform, case.max_tokens, masked_proposal(case.model, transform, case.max_tokens)
    )
    found = credited(outcomes)
    # An interval below 1e-9 has no middle in float64; what it would be credited is below the tolerance.
    assert {ids: found.get(ids, 0.0) for ids in target} == pytest.approx(target, abs=1e-6)
    assert set(found) <= set(target)


@pytest.mark.parametrize("transform", [Transform(top_k=1), Transform(top_p=0.5), Transform(min_p=0.4)], ids=str)
@pytest.mark.parametrize("case", [*map(random_case, range(4))], ids=lambda case: case.name)
def test_truncation_inside_the_mask_weighs_by_the_whole_mass(case: Case, transform: Transform) -> None:
    """``E[w 1(X = y)]`` is the product of m(v) times the token's share after the cut."""
    proposal = masked_proposal(case.model, transform, case.max_tokens)
    for p, row in exhaust(case.model, case.mask, transform, case.max_tokens, proposal):
        matcher, masses = case.mask.start(), 1.0
        ends = [next(i for i in case.model.vocabulary.eos_ids)]
        for position, token_id in enumerate([*row.token_ids, *ends]):
            mask = np.zeros(1, dtype=np.uint32)
            matcher.fill_mask(mask, case.max_tokens - position)
            probs = case.model.probs(tuple(row.token_ids[:position]))
            masses *= sum(probs[i] for i in range(len(probs)) if int(mask[0]) >> i & 1)
            matcher.advance(token_id)
        assert p > 0
        assert math.exp(row.log_weight) == pytest.approx(masses, abs=1e-6)


def test_truncation_on_the_model_can_leave_nothing_which_weighs_zero() -> None:
    case = toy(0.9)
    twin = TransformedModel(case.model, Transform(top_k=1))  # always 0
    samples = Masking().sample(twin, constraint=case.mask, n=4, max_tokens=6, seed=0)
    assert set(samples.texts) == {"00000"}
    assert samples.log_evidence == pytest.approx(0.0)
    only_ones = sg.regex("1+")
    forced = Masking().sample(twin, constraint=only_ones, n=2, max_tokens=3, seed=0)
    assert all(set(text) == {"1"} for text in forced.texts)
    assert forced.log_weights.tolist() == [-math.inf, -math.inf]


def test_budget_counts_the_end_and_output_always_completes() -> None:
    model = Table.random(5, vocabulary=["a", "b", "ab"], concentration=0.5)
    constraint = sg.regex("(ab|ba)*b")
    for max_tokens in (2, 3, 4, 6):
        samples = Masking().sample(model, constraint=constraint, n=40, max_tokens=max_tokens, seed=max_tokens)
        assert all(constraint.accepts(text) for text in samples.texts)
        assert max(len(ids) for ids in samples.token_ids) <= max_tokens - 1
        assert set(samples.finish_reasons) <= {"stop", "complete"}


def test_budget_weights_are_proper_for_what_fits() -> None:
    model = Table.random(11, vocabulary=["a", "b", "ab"], concentration=0.7)
    constraint = sg.regex("(ab|ba)*b").bind(model.vocabulary)
    target = dict(model.enumerate(4, matcher=constraint.start()))

    proposal = masked_proposal(model, Transform(), 5)
    assert credited(exhaust(model, constraint, Transform(), 5, proposal)) == pytest.approx(target, abs=1e-7)


def test_a_budget_that_cannot_suffice_is_refused_before_the_model_runs() -> None:
    def explode(prefix: Ids) -> list[float]:
        raise AssertionError("the model ran")

    model = Table.from_function(explode, vocabulary=["a"])
    with pytest.raises(IncompleteError):
        Masking().sample(model, constraint=sg.regex("a{5}"), max_tokens=5)
    with pytest.raises(ValueError, match="max_tokens"):
        Masking().sample(model, max_tokens=0)


def test_samples_are_valid_seeded_and_independent_of_batching() -> None:
    model = Table.random(1, vocabulary=[bytes([b]) for b in b"abc01,"], concentration=0.8)
    constraint = sg.regex("[abc]{2,4}(,[01]+)?")
    one = Masking().sample(model, constraint=constraint, n=9, max_tokens=12, seed=7)
    two = Masking(batch_size=2).sample(model, constraint=constraint, n=9, max_tokens=12, seed=7)
    other = Masking().sample(model, constraint=constraint, n=9, max_tokens=12, seed=8)
    assert one.texts == two.texts != other.texts
    assert np.array_equal(one.log_weights, two.log_weights)
    assert all(constraint.accepts(text) for text in one.texts)
    for sample in one:
        ends = list(model.vocabulary.eos_ids)
        assert sample.log_prob == pytest.approx(model.log_prob([*sample.token_ids, *ends]), abs=1e-5)


def test_greedy_takes_the_likeliest_allowed_token() -> None:
    model = Table.from_function(lambda prefix: {"a": 0.6, "b": 0.3, "c": 0.05, "": 0.05}, vocabulary=["a", "b", "c"])
    samples = Masking(temperature=0).sample(model, constraint=sg.regex("[bc]{3}"), n=2, max_tokens=9)
    assert samples.texts == ("bbb", "bbb")
    assert samples.log_weights == pytest.approx(3 * math.log(0.35) + math.log(0.05), abs=1e-6)


def test_unconstrained_sampling_weighs_one_and_ends_by_length() -> None:
    model = Table.from_function(lambda prefix: {"a": 1.0}, vocabulary=["a"])
    samples = Masking().sample(model, max_tokens=4, seed=0)
    assert (samples.texts, samples.finish_reasons, samples.log_evidence) == (("aaaa",), ("length",), 0.0)


def test_batch_rows_have_their_own_constraints_in_order() -> None:
    model = Table.random(2, vocabulary=[bytes([b]) for b in b"abc01"])
    letters, digits = sg.regex("[abc]{3}"), sg.regex("[01]{5}")
    requests = [Request(None, letters, 2, 9, 1), Request([0], digits, 1, 9, 2), Request(None, letters, 0, 9, 3)]
    together = Masking(batch_size=2).sample_batch(model, requests)
    apart = [Masking().sample_batch(model, [request])[0] for request in requests]
    assert [samples.texts for samples in together] == [samples.texts for samples in apart]
    assert [len(samples) for samples in together] == [2, 1, 0]
    assert Masking().sample_batch(model, []) == []


def test_stream_spells_the_sample() -> None:
    model = Table.random(2, vocabulary=[bytes([b]) for b in b"abc01"])
    sampler = Masking()
    *events, samples = sampler.stream(model, constraint=sg.regex("[abc]{3}[01]{3}"), max_tokens=9, seed=4)
    assert isinstance(samples, Samples)
    assert b"".join(event.text for event in events).decode() == samples.texts[0]  # type: ignore[union-attr]
    assert [event.is_last for event in events] == [False] * 6 + [True]  # type: ignore[union-attr]
    seen: list[Any] = []
    again = sampler.sample(model, constraint=sg.regex("[abc]{3}[01]{3}"), max_tokens=9, seed=4, on_token=seen.append)
    assert (again.texts, seen) == (samples.texts, events)


def test_jump_ahead_saves_passes_and_weighs_what_the_model_gives() -> None:
    model = Table.random(6, vocabulary=["x", "y", "k", "e", "key", ":"], concentration=2.0)
    constraint = sg.regex("(x|y)key:(x|y)")
    plain = Masking().sample(model, constraint=constraint, max_tokens=12, seed=1)
    jumped = Masking(jump_ahead=True).sample(model, constraint=constraint, max_tokens=12, seed=1)
    assert constraint.accepts(jumped.texts[0])
    assert jumped.timings.n_steps < plain.timings.n_steps
    ids, ends = list(jumped.token_ids[0]), list(model.vocabulary.eos_ids)
    assert jumped.log_probs[0] == pytest.approx(model.log_prob([*ids, *ends]), abs=1e-5)
    assert jumped.log_weights[0] > -math.inf


def test_model_errors_carry_the_text_so_far() -> None:
    class Broken(Table):
        def start(self, prompts: Any) -> Any:
            state = super().start(prompts)
            plain = state.logprobs

            def logprobs() -> np.ndarray:
                return plain() * (np.nan if state._prefixes[0] == (0, 0) else 1.0)

            state.logprobs = logprobs  # type: ignore[method-assign]
            return state

    model = Broken(lambda prefix: {"a": 1.0}, Vocabulary.from_bytes([b"a", b"</s>"], eos_ids=[1]), name="broken")
    with pytest.raises(ModelError) as caught:
        Masking().sample(model, max_tokens=5)
    assert (caught.value.model, caught.value.text) == ("broken", b"aa")


def test_what_is_no_constraint_is_refused() -> None:
    model = Table.random(0, vocabulary=["a"])
    with pytest.raises(TypeError, match="not a constraint"):
        Masking().sample(model, constraint="a+")
    with pytest.raises(TypeError, match="bound to"):
        Masking().sample(model, constraint=sg.regex("b+").bind(Vocabulary.from_bytes([b"b", b"$"], eos_ids=[1])))
