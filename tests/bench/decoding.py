"""Time per token beyond the forward pass, on the default model: ``python -m tests.bench.decoding``.

The model's own pass is left out: what counts is masks, softmax over them, and the draw.
Minimum and median per step over one generation each; one row, one thread.
"""

from __future__ import annotations

from time import perf_counter

import numpy as np
import torch

import structgen as sg
from structgen.models import Transformers
from structgen.samplers.masking import Masking
from structgen.samplers.samples import Timings

CONSTRAINTS = {
    "narrow (dates)": sg.regex(r"([0-9]{4}-[0-9]{2}-[0-9]{2}, )*[0-9]{4}"),
    "wide (free text)": sg.regex(r"[^\x00-\x1f\"\\]*"),
    "none": None,
}
SAMPLERS = {
    "greedy": Masking(temperature=0),
    "temperature 1": Masking(),
    "temperature 0.7": Masking(temperature=0.7),
    "top-k 50": Masking(top_k=50),
    "top-p 0.9": Masking(top_p=0.9),
    "min-p 0.05": Masking(min_p=0.05),
}


def overhead(timings: Timings) -> tuple[float, float, float]:
    """Minimum and median of the step's overhead, and the median forward pass, in milliseconds."""
    steps = np.array(timings.waits) + np.array(timings.masks) + np.array(timings.draws)
    return float(steps.min() * 1e3), float(np.median(steps) * 1e3), float(np.median(timings.models) * 1e3)


def main() -> None:
    torch.set_num_threads(1)
    began = perf_counter()
    model = Transformers(device="cpu")
    print(f"load {perf_counter() - began:.2f} s; {model}")
    print(f"{'constraint':18} {'sampler':16} {'min ms':>8} {'median':>8} {'forward':>8}")
    for name, constraint in CONSTRAINTS.items():
        for label, sampler in SAMPLERS.items():
            for _ in range(2):  # the first compiles and fills caches
                samples = sampler.sample(model, "List ten dates.", constraint=constraint, max_tokens=40, seed=1)
            least, median, forward = overhead(samples.timings)
            print(f"{name:18} {label:16} {least:8.3f} {median:8.3f} {forward:8.1f}")


if __name__ == "__main__":
    main()
