"""Torch models: batches, forks and ragged rows score as single rows do; the default model generates what it must."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import structgen as sg
from structgen.errors import ModelError
from structgen.samplers.masking import Masking, Request
from structgen.samplers.protocol import DrawingState, LanguageModel, ScoringState

pytestmark = pytest.mark.torch

PROMPTS = [[256, 5, 6, 7], [256, 9], [256, *range(20, 40)], [256, 9]]


def fresh(model: Any, ids: list[int]) -> np.ndarray:
    """Scores after ``ids``, computed alone and in one piece, by the network itself."""
    import torch

    with torch.inference_mode():
        logits = model.network(torch.tensor([ids])).logits[0, -1, : model.vocabulary.n_tokens]
    return torch.log_softmax(logits.float(), -1).numpy()


def assert_rows(state: Any, model: Any, rows: list[list[int]]) -> None:
    scores = state.logprobs()
    assert scores.shape == (len(rows), model.vocabulary.n_tokens)
    assert scores.dtype == np.float32
    for row, ids in zip(scores, rows, strict=True):
        assert row == pytest.approx(fresh(model, ids), abs=2e-5)


def test_model_implements_the_protocols(tiny: Any) -> None:
    assert isinstance(tiny, LanguageModel)
    state = tiny.start(PROMPTS)
    assert isinstance(state, ScoringState)
    assert not isinstance(state, DrawingState)


def test_ragged_batch_equals_single_rows(tiny: Any) -> None:
    state = tiny.start(PROMPTS)
    assert state.n_model_calls == 3  # two prompts are equal
    assert_rows(state, tiny, PROMPTS)
    state.extend([[1], [2], [3], [4]])
    rows = [[*ids, last] for ids, last in zip(PROMPTS, [1, 2, 3, 4], strict=True)]
    assert_rows(state, tiny, rows)


def test_rows_may_take_different_numbers_of_tokens(tiny: Any) -> None:
    state = tiny.start([[256], [256, 1, 2]])
    state.extend([[7, 8, 9], [3]])
    state.extend([[4], [5, 6]])
    assert_rows(state, tiny, [[256, 7, 8, 9, 4], [256, 1, 2, 3, 5, 6]])


def test_fork_equals_recompute_and_forks_are_independent(tiny: Any) -> None:
    state = tiny.start([[256, 3, 4]])
    state.extend([[11, 12]])
    state.select(np.zeros(3, dtype=np.int64))
    assert_rows(state, tiny, [[256, 3, 4, 11, 12]] * 3)
    state.extend([[1], [2, 22], [3]])
    rows = [[256, 3, 4, 11, 12, *own] for own in ([1], [2, 22], [3])]
    assert_rows(state, tiny, rows)
    state.select(np.array([2, 1]))
    state.select(np.array([1, 0, 0]))
    rows = [rows[1], rows[2], rows[2]]
    assert_rows(state, tiny, rows)
    state.extend([[5], [6], [7]])
    assert_rows(state, tiny, [[*row, own] for row, own in zip(rows, [5, 6, 7], strict=True)])


def test_many_random_moves_equal_recompute(tiny: Any) -> None:
    rng = np.random.default_rng(3)
    rows = [[256, *rng.integers(0, 256, rng.integers(0, 9)).tolist()] for _ in range(3)]
    state = tiny.start(rows)
    for _ in range(25):
        if rng.random() < 0.4:
            index = rng.integers(0, len(rows), rng.integers(1, 5))
            state.select(index)
            rows = [list(rows[i]) for i in index]
        else:
            feeds = [rng.integers(0, 256, rng.integers(1, 4)).tolist() for _ in rows]
            state.extend(feeds)
            rows = [row + feed for row, feed in zip(rows, feeds, strict=True)]
    assert_rows(state, tiny, rows)


def test_empty_selection_and_bad_rows(tiny: Any) -> None:
    state = tiny.start([[256], [256, 1]])
    with pytest.raises(IndexError):
        state.select(np.array([0, 2]))
    with pytest.raises(ValueError, match="rows of tokens"):
        state.extend([[1]])
    with pytest.raises(ValueError, match="at least one"):
        state.extend([[1], []])
    state.select(np.array([], dtype=np.int64))
    assert state.logprobs().shape == (0, tiny.vocabulary.n_tokens)


def test_extend_scored_sums_what_follows_the_first(tiny: Any) -> None:
    state = tiny.start([[256], [256, 1, 2]])
    scores = state.extend_scored([[7, 8, 9], [3]])
    expected = fresh(tiny, [256, 7])[8] + fresh(tiny, [256, 7, 8])[9]
    assert scores == pytest.approx([expected, 0.0], abs=5e-5)
    assert_rows(state, tiny, [[256, 7, 8, 9], [256, 1, 2, 3]])


def test_surplus_scores_are_cut_and_missing_ones_impossible() -> None:
    from structgen.models import Transformers
    from tests.support.tiny import byte_tokenizer, tiny_network

    padded = Transformers.from_objects(tiny_network(300), byte_tokenizer())
    scores = padded.start([[1]]).logprobs()
    assert scores.shape == (1, 259)
    assert np.exp(scores.astype(np.float64)).sum() == pytest.approx(1.0)
    short = Transformers.from_objects(tiny_network(258, eos_token_id=257), byte_tokenizer())
    scores = short.start([[1]]).logprobs()
    assert scores[0, 258] == -np.inf
    assert np.exp(scores.astype(np.float64)).sum() == pytest.approx(1.0)


def test_every_end_of_sequence_id_is_known(tiny: Any) -> None:
    assert tiny.vocabulary.eos_ids == (257, 258)


def test_equal_prompts_cost_nothing_the_second_time_and_score_the_same(tiny: Any) -> None:
    tiny.prompts.clear()
    prompt = [256, 44, 45, 46]
    first, second = tiny.start([prompt]), tiny.start([prompt, prompt])
    assert (first.n_model_calls, second.n_model_calls) == (1, 0)
    assert np.array_equal(first.logprobs()[0], second.logprobs()[1])
    first.extend([[1]])
    second.extend([[1], [2]])
    assert_rows(second, tiny, [[*prompt, 1], [*prompt, 2]])
    assert_rows(tiny.start([prompt]), tiny, [prompt])  # what was kept is unharmed


def test_shared_prefixes_are_reused_on_request() -> None:
    from tests.support.tiny import tiny_model

    model = tiny_model(reuse_prefixes=True)
    model.start([[256, 1, 2, 3, 4]])
    for prompt in ([256, 1, 2, 9, 9], [256, 1, 2], [7, 7]):
        assert_rows(model.start([prompt]), model, [prompt])


def test_kept_prompts_are_bounded() -> None:
    from tests.support.tiny import tiny_model

    model = tiny_model(reuse_prompts=10)
    model.start([[256, 1, 2, 3, 4, 5]])
    model.start([[256, 9, 9, 9, 9, 9]])
    assert model.start([[256, 1, 2, 3, 4, 5]]).n_model_calls == 1
    model.start([[256, *range(20)]])
    assert model.start([[256, *range(20)]]).n_model_calls == 1
    assert tiny_model(reuse_prompts=0).start([[1]]).n_model_calls == 1


@pytest.mark.parametrize("more", [{"sliding_window": 8}, {}], ids=["sliding", "full"])
def test_other_architectures_score_ragged_rows_too(more: dict[str, Any]) -> None:
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel, MistralConfig, MistralForCausalLM

    from structgen.models import Transformers
    from tests.support.tiny import byte_tokenizer

    torch.manual_seed(0)
    if more:
        config = MistralConfig(
            vocab_size=259,
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            **more,
        )
        network: Any = MistralForCausalLM(config).eval()
    else:
        network = GPT2LMHeadModel(GPT2Config(vocab_size=259, n_embd=32, n_layer=2, n_head=4)).eval()
    model = Transformers.from_objects(network, byte_tokenizer())
    prompts = [[256, 1, 2, 3, 4, 5, 6], [256, 7, 8, 9]]
    state = model.start(prompts)
    state.extend([[3], [4]])
    state.select(np.array([1, 0]))
    state.extend([[5], [6]])
    assert_rows(state, model, [[*prompts[1], 4, 5], [*prompts[0], 3, 6]])


def test_prompts_of_every_kind(tiny: Any) -> None:
    decode = tiny.tokenizer.decode
    assert decode(tiny.encode("Hi")) == "<user>Hi<assistant>"
    assert decode(tiny.encode(b"Hi")) == "Hi"
    assert decode(tiny.encode([{"role": "user", "content": "a"}])) == "<user>a<assistant>"
    # This template refuses a system role: its text goes in front of the user's.
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "a"}]
    assert decode(tiny.encode(messages)) == "<user>Be brief.\n\na<assistant>"
    assert tiny.encode([1, 2]) == [1, 2]
    assert tiny.encode(None) == tiny.encode([]) == [256]
    assert tiny.start([[]]).logprobs() == pytest.approx(fresh(tiny, [256])[None], abs=1e-5)


def test_messages_without_a_template_are_refused() -> None:
    from tests.support.tiny import tiny_model

    model = tiny_model(template=None)
    assert model.encode("Hi") == model.encode(b"Hi")
    with pytest.raises(ModelError) as caught:
        model.encode([{"role": "user", "content": "Hi"}])
    assert caught.value.model == "tiny"
    with pytest.raises(ModelError):
        tiny_model(template=None, chat=True)


def test_ids_outside_the_embedding_are_refused(tiny: Any) -> None:
    with pytest.raises(ModelError):
        tiny.start([[99999]])


@pytest.mark.parametrize("name", ["/nowhere/at/all", "no such model", "nobody/nothing-here-at-all"])
def test_unknown_models_are_refused_with_a_hint(name: str) -> None:
    from structgen.models import Transformers

    with pytest.raises(ModelError) as caught:
        Transformers(name, device="cpu", local_files_only=True)
    assert caught.value.model == name
    assert "folder" in (caught.value.hint or "")


@pytest.mark.parametrize("name", ["/nowhere", "./nowhere", "~/nowhere", "a/b/c", "a\\b"])
def test_a_path_that_is_not_there_never_asks_the_network(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from structgen.models import Transformers, transformers

    monkeypatch.delattr(transformers, "_load_tokenizer")
    with pytest.raises(ModelError) as caught:
        Transformers(name, device="cpu")
    assert caught.value.model == name


def test_recurrent_layers_refuse_ragged_rows(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from structgen.models.kv_cache import GrowingLayer

    monkeypatch.setattr(GrowingLayer, "update_recurrent_state", None, raising=False)
    state = tiny.start([[256, 71], [256, 72]])
    with pytest.raises(ModelError):
        state.extend([[1], [2, 3]])
    with pytest.raises(ModelError):
        tiny.start([[256, 73], [256]])


def test_a_folder_that_is_no_model_is_refused(tmp_path: Any) -> None:
    from structgen.models import Transformers

    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError) as caught:
        Transformers(tmp_path, device="cpu")
    assert caught.value.model == str(tmp_path)


def test_a_saved_model_loads_from_its_folder(tiny: Any, tmp_path: Any) -> None:
    from structgen.models import Transformers

    tiny.network.save_pretrained(tmp_path)
    tiny.tokenizer.save_pretrained(tmp_path)
    loaded = Transformers(tmp_path, device="cpu")
    assert loaded.start([[256, 1]]).logprobs() == pytest.approx(tiny.start([[256, 1]]).logprobs(), abs=1e-6)
    assert loaded.vocabulary.eos_ids == (257, 258)
    assert loaded.name.endswith("@float32")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_scores_that_are_no_numbers_name_the_text(value: float) -> None:
    import torch

    from structgen.models import Transformers
    from tests.support.tiny import byte_tokenizer, tiny_network

    network = tiny_network()
    model = Transformers.from_objects(network, byte_tokenizer(), name="broken")
    state = model.start([[256]])
    state.extend(
        [
            [72],
        ]
    )
    state.extend([[105]])
    with torch.no_grad():
        network.lm_head.weight[3] = value
    state.extend([[33]])
    with pytest.raises(ModelError) as caught:
        state.logprobs()
    assert caught.value.model == "broken@float32"
    assert caught.value.text == model.vocabulary.decode([72, 105, 33])


def test_masked_batch_equals_single_and_is_valid(tiny: Any) -> None:
    year, word = sg.regex("(19|20)[0-9]{2}"), sg.regex("[a-z]{3,6}")
    requests = [Request("When?", year, 3, 8, 1), Request("A much longer question: what?", word, 2, 12, 2)]
    together = Masking().sample_batch(tiny, requests)
    for samples, request in zip(together, requests, strict=True):
        alone = Masking(batch_size=1).sample_batch(tiny, [request])[0]
        assert samples.texts == alone.texts
        assert samples.log_weights == pytest.approx(alone.log_weights, abs=1e-3)
        assert all(request.constraint.accepts(text) for text in samples.texts)
        assert samples.log_probs.max() < 0


def test_jump_ahead_on_a_network_scores_what_it_skips(tiny: Any) -> None:
    constraint = sg.regex('(a|b)"key": "(x|y)"')
    jumped = Masking(jump_ahead=True).sample(tiny, "Go", constraint=constraint, n=8, max_tokens=20, seed=0)
    plain = Masking().sample(tiny, "Go", constraint=constraint, n=30, max_tokens=20, seed=0)
    assert jumped.timings.n_steps < plain.timings.n_steps
    # A byte tokenizer has one spelling, so skipping must change nothing but the number of passes.
    known = {sample.text: sample for sample in plain}
    assert len(known) > 1
    for sample in jumped:
        # (log_prob may differ: two ends of sequence are possible, and only their sum is in the weight.)
        assert sample.log_weight == pytest.approx(known[sample.text].log_weight, abs=1e-3)


# --- the default model


def test_default_model_answers_in_form(smollm2: Any) -> None:
    constraint = sg.regex(r"(The answer is|It is) (Berlin|London|Paris|Rome), [a-z ]{3,30}\.")
    samples = Masking(temperature=0).sample(
        smollm2, "What is the capital of France?", constraint=constraint, max_tokens=24
    )
    assert constraint.accepts(samples.texts[0])
    assert "Paris" in samples.texts[0]
    assert samples.finish_reasons == ("complete",)


def test_default_model_batch_equals_single(smollm2: Any) -> None:
    prompts = [smollm2.encode(text) for text in ("Hi", "Name three colours, please.")]
    together = smollm2.start(prompts).logprobs()
    for row, ids in zip(together, prompts, strict=True):
        assert row == pytest.approx(smollm2.start([ids]).logprobs()[0], abs=2e-3)


def test_default_model_speaks_its_chat_template(smollm2: Any) -> None:
    text = smollm2.tokenizer.decode(smollm2.encode("Hi"))
    assert text.startswith("<|im_start|>system\n")
    assert text.endswith("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n")
    assert smollm2.vocabulary.eos_ids == (2,)
    assert smollm2.tokenizer.encode("2024", add_special_tokens=False) == [
        smollm2.tokenizer.encode(digit, add_special_tokens=False)[0] for digit in "2024"
    ]
