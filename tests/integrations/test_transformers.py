"""The logits processor inside transformers' ``generate``: batches, reuse, beams, threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import structgen as sg
from structgen.errors import IncompleteError
from tests.support.tiny import byte_tokenizer, tiny_network

pytestmark = pytest.mark.torch

YEAR, WORD = sg.regex("(19|20)[0-9]{2}"), sg.regex("[a-z]{3,6}( [a-z]{2,4})*")


@pytest.fixture(scope="module")
def network() -> Any:
    return tiny_network()


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return byte_tokenizer()


def processor_of(constraint: Any, tokenizer: Any, max_tokens: int | None = None) -> Any:
    from structgen.integrations.transformers import ConstraintLogitsProcessor

    return ConstraintLogitsProcessor(constraint, tokenizer, max_tokens=max_tokens, eos_ids=(257, 258))


def generate(network: Any, tokenizer: Any, processor: Any, prompts: list[str], **more: Any) -> list[str]:
    import torch

    width = max(map(len, prompts))
    ids = torch.tensor([[256] * (width - len(p)) + tokenizer(p)["input_ids"] for p in prompts])
    mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts])
    settings = {"max_new_tokens": 12, "do_sample": False, "pad_token_id": 256, **more}
    out = network.generate(ids, attention_mask=mask, logits_processor=[processor], **settings)
    return [tokenizer.decode(row[width:], skip_special_tokens=True) for row in out]


def test_batch_is_valid_and_reuse_gives_the_same(network: Any, tokenizer: Any) -> None:
    processor = processor_of(WORD, tokenizer, 12)
    first = generate(network, tokenizer, processor, ["Hello", "A", "word:"])
    assert all(WORD.accepts(text) for text in first)
    assert generate(network, tokenizer, processor, ["Hello", "A", "word:"]) == first
    assert generate(network, tokenizer, processor, ["A"]) == [first[1]]
    assert generate(network, tokenizer, processor_of(YEAR, tokenizer, 12), ["Hello"]) != [first[0]]


def test_rows_that_end_early_are_padded_and_the_rest_goes_on(network: Any, tokenizer: Any) -> None:
    import torch

    torch.manual_seed(0)
    either = sg.regex("no|[a-z]{8}")
    texts = generate(network, tokenizer, processor_of(either, tokenizer, 12), ["x"] * 40, do_sample=True)
    assert all(either.accepts(text) for text in texts)
    assert len(set(texts)) > 5


def test_beams_fork_their_matchers(network: Any, tokenizer: Any) -> None:
    processor = processor_of(WORD, tokenizer, 12)
    found = generate(network, tokenizer, processor, ["Hello", "Ab"], num_beams=3, num_return_sequences=2)
    assert len(found) == 4
    assert all(WORD.accepts(text) for text in found)
    again = generate(network, tokenizer, processor, ["Hello", "Ab"], num_beams=3, num_return_sequences=2)
    assert again == found


def test_threads_do_not_disturb_each_other(network: Any, tokenizer: Any) -> None:
    processor = processor_of(WORD, tokenizer, 12)
    prompts = [f"prompt {i}" for i in range(6)]
    alone = [generate(network, tokenizer, processor, [prompt]) for prompt in prompts]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda prompt: generate(network, tokenizer, processor, [prompt]), prompts))
    assert together == alone


def test_reset_begins_anew_where_calls_cannot_be_told_apart(tokenizer: Any) -> None:
    import torch

    processor = processor_of(sg.regex("ab"), tokenizer)
    scores = torch.zeros(1, 272)
    letters = [tokenizer("a")["input_ids"][0], tokenizer("b")["input_ids"][0]]

    def allowed(ids: list[int]) -> list[int]:
        return processor(torch.tensor([ids]), scores)[0].isfinite().nonzero().flatten().tolist()

    assert allowed([5]) == [letters[0]]
    assert allowed([5, letters[0]]) == [letters[1]]
    processor.reset()
    assert allowed([5, letters[0], 9]) == [letters[0]]
    assert allowed([5]) == [letters[0]]  # a shorter call is a new one by itself


def test_scores_are_not_changed_in_place_and_surplus_is_forbidden(tokenizer: Any) -> None:
    import torch

    scores = torch.randn(2, 272)
    before = scores.clone()
    out = processor_of(YEAR, tokenizer)(torch.tensor([[1], [2]]), scores)
    assert torch.equal(scores, before)
    assert out.isneginf()[:, 259:].all()
    finite = out.isfinite()
    assert torch.equal(out[finite], scores[finite])
    assert finite.sum().item() == 4  # "1" or "2", twice


def test_a_budget_completes_or_is_refused(network: Any, tokenizer: Any) -> None:
    texts = generate(network, tokenizer, processor_of(WORD, tokenizer, 5), ["Hello"], max_new_tokens=5)
    assert WORD.accepts(texts[0])
    with pytest.raises(IncompleteError):
        generate(network, tokenizer, processor_of(WORD, tokenizer, 3), ["Hello"], max_new_tokens=3)


def test_a_constraint_is_needed(tokenizer: Any) -> None:
    with pytest.raises(TypeError):
        processor_of(None, tokenizer)
    with pytest.raises(TypeError):
        processor_of("[0-9]", tokenizer)


def test_processor_and_sampler_agree_when_greedy(network: Any, tokenizer: Any) -> None:
    from structgen.models import Transformers
    from structgen.samplers.masking import Masking

    model = Transformers.from_objects(network, tokenizer)
    ours = Masking(temperature=0).sample(model, b"Hello", constraint=WORD, max_tokens=12)
    theirs = generate(network, tokenizer, processor_of(WORD, model, 12), ["Hello"])
    assert list(ours.texts) == theirs
    assert np.isfinite(ours.log_weights).all()
