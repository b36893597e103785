"""The worker's part of ``generate``: one document for one schema under one engine."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from jsonschemabench.engines.base import CompileOptions, TokenRow
from jsonschemabench.exact.judge import Judge
from jsonschemabench.worker import Bench

__all__ = ["Written", "generate_one"]

PROMPT = "Write one JSON document that satisfies this JSON schema. Answer with the JSON document alone.\n\n{schema}"


@dataclass
class Written:
    """What came out: token ids without end of sequence, whether that was drawn, and seconds from the start."""

    tokens: list[int]
    finished: bool
    first_token_seconds: float
    total_seconds: float
    compile_seconds: float


_SHARED: dict[str, Any] = {}


def generate_one(bench: Bench, request: dict[str, Any]) -> dict[str, Any]:
    """A worker's task; the model is loaded once per process, before any clock runs."""
    model = _model(request["model"])
    name = next(iter(bench.engines))
    prompt = model.encode(PROMPT.format(schema=request["schema_text"]))
    if len(prompt) > request["max_prompt"]:
        return {"status": "skipped", "error": f"a prompt of {len(prompt)} tokens", "n_prompt": len(prompt)}
    write = _write_structgen if name.startswith("structgen") else _write_transformers
    try:
        written = write(bench, model, prompt, request)
    except Exception as error:  # a refusal, or whatever an engine raises in the middle
        return {"status": "refused", "error": f"{type(error).__name__}: {error}"[:1000], "n_prompt": len(prompt)}
    text = model.vocabulary.decode(written.tokens)
    judgement = Judge(request["schema"]).document(text)
    log_prob = _log_prob(model, prompt, written)
    return {
        "status": "ok",
        "text": text.decode("utf-8", "backslashreplace"),
        "verdict": judgement.verdict,
        "reason": judgement.reason,
        "finished": written.finished,
        "n_prompt": len(prompt),
        "n_written": len(written.tokens),
        "log_prob": log_prob,
        "first_token_ms": written.first_token_seconds * 1000,
        "compile_ms": written.compile_seconds * 1000,
        "total_ms": written.total_seconds * 1000,
    }


def _model(name: str | None) -> Any:
    if f"model {name}" not in _SHARED:
        from structgen.models import Transformers

        model = Transformers(name, reuse_prompts=0)
        _warm_up(model)
        _SHARED[f"model {name}"] = model
    return _SHARED[f"model {name}"]


def _warm_up(model: Any) -> None:
    """The first passes of a network allocate and choose kernels."""
    from structgen.samplers.masking import Masking

    Masking(temperature=0.0).sample(model, "Hello", max_tokens=4)


def _write_structgen(bench: Bench, model: Any, prompt: list[int], request: dict[str, Any]) -> Written:
    import structgen
    from structgen.samplers.masking import Masking

    first: list[float] = []

    def on_token(event: Any) -> None:
        if not first:
            first.append(time.perf_counter())

    began = time.perf_counter()
    constraint = structgen.json_schema(request["schema"]).bind(model.vocabulary)
    compiled = time.perf_counter()
    sampler = Masking(temperature=request["temperature"])
    samples = sampler.sample(
        model, prompt, constraint=constraint, max_tokens=request["max_tokens"], seed=request["seed"], on_token=on_token
    )
    ended = time.perf_counter()
    sample = samples[0]
    # Whether the model chose to end or nothing else was left: the peers draw an end of sequence in both cases.
    finished = sample.finish_reason in ("stop", "complete")
    tokens = [int(token) for token in sample.token_ids]
    return Written(tokens, finished, (first or [ended])[0] - began, ended - began, compiled - began)


def _write_transformers(bench: Bench, model: Any, prompt: list[int], request: dict[str, Any]) -> Written:
    import torch
    from transformers import StoppingCriteria

    from jsonschemabench.generate.processors import make_processors

    first: list[float] = []

    class Clock(StoppingCriteria):  # type: ignore[misc, unused-ignore]
        def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
            if not first:
                first.append(time.perf_counter())
            return torch.zeros(input_ids.shape[0], dtype=torch.bool, device=input_ids.device)

    name = next(iter(bench.engines))
    torch.manual_seed(request["seed"])
    ids = torch.tensor([prompt], device=model.device)
    began = time.perf_counter()
    compiled = bench.engine.compile(request["schema"], CompileOptions())
    processors = make_processors(name, compiled, _row(bench))
    ready = time.perf_counter()
    with torch.inference_mode():
        output = model.network.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=request["max_tokens"],
            stopping_criteria=[Clock()],
            eos_token_id=list(model.vocabulary.eos_ids),
            pad_token_id=model.vocabulary.eos_ids[0],
            **_decoding(request["temperature"]),
            **processors,
        )
    ended = time.perf_counter()
    tokens = output[0, len(prompt) :].tolist()
    finished = bool(tokens) and tokens[-1] in model.vocabulary.eos_ids
    tokens = tokens[:-1] if finished else tokens
    return Written(tokens, finished, (first or [ended])[0] - began, ended - began, ready - began)


def _decoding(temperature: float) -> dict[str, Any]:
    if temperature == 0.0:
        return {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
    return {"do_sample": True, "temperature": temperature, "top_p": 1.0, "top_k": 0}


def _row(bench: Bench) -> TokenRow:
    row: TokenRow = _SHARED.setdefault("row", np.zeros(bench.vocabulary.n_words, dtype=np.uint32))
    return row


def _log_prob(model: Any, prompt: list[int], written: Written) -> float:
    """The model's own log-probability of the document, end of sequence included where it was drawn; nats."""
    import torch

    tokens = [*written.tokens, *([model.vocabulary.eos_ids[0]] if written.finished else [])]
    if not tokens:
        return 0.0
    ids = torch.tensor([[*prompt, *tokens]], device=model.device)
    with torch.inference_mode():
        logits = model.network(ids).logits[0, len(prompt) - 1 : -1].float()
    chosen = torch.log_softmax(logits, dim=-1).gather(1, ids[0, len(prompt) :, None])
    return float(chosen.sum())
