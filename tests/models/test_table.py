"""The toy model: what it says is what its function says."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import structgen as sg
from structgen.errors import ModelError, VocabularyError
from structgen.models.table import Table
from structgen.samplers.protocol import DecodeState, LanguageModel, ScoringState
from structgen.testing import exhaust  # noqa: F401  (the module must import without torch)


def test_table_implements_the_protocols() -> None:
    model = Table.random(0, vocabulary=["a", "b"])
    assert isinstance(model, LanguageModel)
    assert isinstance(model.start([[]]), DecodeState)
    assert isinstance(model.start([[]]), ScoringState)


def test_enumeration_sums_to_one_over_a_model_that_ends() -> None:
    def next_probs(prefix: tuple[int, ...]) -> dict[str, float]:
        return {"": 1.0} if len(prefix) == 3 else {"a": 2, "b": 1, "": 1}

    model = Table.from_function(next_probs, vocabulary=["a", "b"])
    found = dict(model.enumerate(3))
    assert sum(found.values()) == pytest.approx(1.0)
    assert found[(0, 1)] == pytest.approx(0.5 * 0.25 * 0.25)
    assert found[(1, 1, 0)] == pytest.approx(0.25 * 0.25 * 0.5)


def test_texts_sum_over_spellings() -> None:
    model = Table.from_function(lambda prefix: {"a": 0.5, "aa": 0.25, "": 0.25}, vocabulary=["a", "aa"])
    assert model.texts(2)[b"aa"] == pytest.approx(0.25 * 0.25 + 0.5 * 0.5 * 0.25)


def test_enumeration_under_a_matcher_visits_only_the_language() -> None:
    model = Table.random(1, vocabulary=["a", "b", "ab"])
    constraint = sg.regex("(ab)*")
    found = model.texts(4, matcher=constraint.bind(model.vocabulary).start())
    everything = model.texts(4)
    expected = {text: p for text, p in everything.items() if constraint.accepts(text)}
    assert found == pytest.approx(expected)


def test_state_follows_extend_and_select() -> None:
    model = Table.random(2, vocabulary=["a", "b"])
    state = model.start([[], [0]])
    state.extend([[1], [1, 0]])
    state.select(np.array([1, 1, 0]))
    with np.errstate(divide="ignore"):
        expected = np.log(np.array([model.probs((0, 1, 0)), model.probs((0, 1, 0)), model.probs((1,))]))
    assert state.logprobs() == pytest.approx(expected, abs=1e-6)
    assert (state.n_rows, state.n_model_calls) == (3, 4)
    scores = state.extend_scored([[0, 1], [0], [1, 1]])
    assert scores == pytest.approx(
        [model.log_prob([1], prompt=(0, 1, 0, 0)), 0.0, model.log_prob([1], prompt=(1, 1))], abs=1e-6
    )


def test_random_tables_are_the_same_in_every_process() -> None:
    code = "from structgen.models.table import Table; print(Table.random(7, order=2).probs((1, 2, 3)).tolist()[:5])"
    here = str(Table.random(7, order=2).probs((9, 2, 3)).tolist()[:5])
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert here == there


def test_random_table_spells_any_prompt_and_ends_as_told() -> None:
    model = Table.random(0, p_end=0.25)
    assert model.vocabulary.decode(model.encode("naïve 日本")) == "naïve 日本".encode()
    assert model.encode([{"role": "system", "content": "a"}, {"role": "user", "content": "b"}]) == [97, 10, 98]
    assert model.probs((5,))[256] == pytest.approx(0.25)


@pytest.mark.parametrize(
    "given",
    [[0.5, 0.5], [-1, 1, 1], [float("nan")] * 3, [0, 0, 0], [float("inf"), 1, 1], {"c": 1.0}],
    ids=str,
)
def test_a_function_that_gives_no_probabilities_is_refused(given: object) -> None:
    model = Table.from_function(lambda prefix: given, vocabulary=["a", "b"], name="bad")  # type: ignore[arg-type, return-value]
    with pytest.raises(ModelError) as caught:
        model.start([[0]]).logprobs()
    assert caught.value.model == "bad"


def test_a_prompt_the_vocabulary_cannot_spell_is_refused() -> None:
    with pytest.raises(VocabularyError):
        Table.random(0, vocabulary=["a"]).encode("b")


def test_toy_models_do_not_import_torch() -> None:
    code = (
        "import sys, structgen.models as m, structgen as sg; from structgen.samplers.masking import Masking;"
        "Masking().sample(m.Table.random(0), constraint=sg.regex('a+'), max_tokens=3);"
        "assert not {'torch', 'transformers'} & set(sys.modules), 'torch was imported'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
