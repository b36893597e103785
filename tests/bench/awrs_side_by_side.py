"""Records prefixes of a masked SmolLM2 run, and measures structgen's token draw on them."""

from __future__ import annotations

import json

import numpy as np

import structgen as sg
from structgen.samplers.choices import RandomChoices
from structgen.samplers.draw import full_mask
from structgen.samplers.pool import Pool
from structgen.samplers.rejection import Budgeted, Geometric, draw_budgeted, draw_geometric
from tests.bench.awrs_recording import PATTERN, Recording, measure, show


def record(path: str, n_runs: int = 4) -> None:
    """Prefixes of masked runs on the pattern, every one with the model's scores."""
    model = sg.models.Transformers()
    bound = sg.regex(PATTERN).bind(model.vocabulary)
    machine = bound.machine
    rows, states = [], []
    prompt = model.encode("Describe a person as JSON with name, age and tags.")
    for seed in range(n_runs):
        (ids,) = sg.samplers.Masking().sample(model, prompt, constraint=bound, n=1, max_tokens=64, seed=seed).token_ids
        state, config = model.start([prompt]), machine.start()
        for token_id in [*ids, None]:
            rows.append(state.logprobs()[0].copy())
            states.append(config)
            if token_id is not None:
                state.extend([[token_id]])
                config = machine.advance(config, token_id)
    vocabulary, dfa = model.vocabulary, machine.dfa
    tokens = json.dumps([vocabulary.token_bytes(t).hex() for t in range(vocabulary.n_tokens)])
    np.savez(
        path,
        logprobs=np.array(rows, dtype=np.float32),
        states=np.array(states),
        classes=dfa.class_of,
        transitions=dfa.transitions,
        accepting=dfa.accepting,
        eos_ids=np.array(vocabulary.eos_ids),
        tokens=np.frombuffer(tokens.encode(), dtype=np.uint8),
    )
    print(f"{len(rows)} prefixes in {path}")


def main(what: str, path: str | None) -> None:
    if path is None:
        raise SystemExit("say which file")
    if what == "awrs-record":
        record(path)
        return
    recording = Recording(path)
    pool = Pool(recording.logprobs.shape[1])
    choices = RandomChoices(np.random.default_rng(0))
    mask = full_mask(recording.logprobs.shape[1])
    forms = [Budgeted(0, 0.0), Budgeted(0), Budgeted(1), Budgeted(2), Budgeted(4), Geometric(2, 10**6)]
    for settings in forms:
        form = draw_geometric if isinstance(settings, Geometric) else draw_budgeted

        def draw(prefix, allows, form=form, settings=settings):  # type: ignore[no-untyped-def]
            pool.fill(recording.logprobs[prefix], mask)
            return form(pool, allows, choices, settings)[1]

        label = repr(settings).replace("max_rejects=None", "").replace(", )", ")")
        show(label, measure(recording, draw, 60))
