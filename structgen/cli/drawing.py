"""How ``structgen generate`` draws: its options about model, sampler and budget, as one value."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

__all__ = ["Drawing", "SamplerName", "sampler_of"]


class SamplerName(StrEnum):
    """Samplers that need no further parts."""

    greedy = "greedy"
    masking = "masking"
    asap = "asap"
    cars = "cars"
    awrs = "awrs"
    smc = "smc"
    mcmc = "mcmc"


@dataclass(frozen=True)
class Drawing:
    """How outputs are drawn; the model is still a name, for loading one takes seconds."""

    model: str | None
    sampler: Any
    n: int
    max_tokens: int
    seed: int | None


def sampler_of(name: SamplerName, temperature: float) -> Any:
    """The sampler of that name; only ``masking`` heeds the temperature."""
    from structgen import samplers
    from structgen.samplers.masking import Masking

    if name in ("greedy", "masking"):
        return Masking(temperature=0 if name == "greedy" else temperature)
    return getattr(samplers, {"asap": "ASAp", "mcmc": "MCMC"}.get(name, name.upper()))()
