"""Samplers: ways to draw valid texts from a model, each with an honest weight.

The target is always ``P(x | L)``, proportional to ``p(x) 1[x in L]``. A sample ``(X, w)`` is *properly
weighted* when ``E[w 1(X = y)] = p(y) 1[y in L]``; then ``E[w] = Z = P(L)``. All samplers
share one call, ``sampler.sample(model, prompt, constraint=..., n=..., max_tokens=..., seed=...)``,
and return ``Samples``. Which one when: see ``GUIDE.md`` in this folder.

How it fits together: ``frontier`` keeps the distinct prefixes being extended (one model row
each), ``potentials.cursor`` says what may follow, ``pool`` holds the masses that tokens are
drawn from, ``choices`` makes every random decision (so that tests can make them all), and a
file per method does the rest. Temperature, top-k and top-p change the *target*: weights are
then relative to the transformed model.

Rejected: one base class for all samplers. They share parts, not a shape: ASAp's trials,
SMC's particles, a Markov chain and a beam have different loops.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from structgen.samplers.asap import CARS as CARS
    from structgen.samplers.asap import ASAp as ASAp
    from structgen.samplers.awrs import AWRS as AWRS
    from structgen.samplers.beam import Beam as Beam
    from structgen.samplers.masking import Masking as Masking
    from structgen.samplers.mcmc import MCMC as MCMC
    from structgen.samplers.mirostat import Mirostat as Mirostat
    from structgen.samplers.samples import Sample as Sample
    from structgen.samplers.samples import Samples as Samples
    from structgen.samplers.smc import SMC as SMC
    from structgen.samplers.transforms import Transform as Transform
    from structgen.samplers.transforms import TransformedModel as TransformedModel
    from structgen.samplers.trie import PrefixTrie as PrefixTrie

_WHERE = {
    "ASAp": "asap",
    "AWRS": "awrs",
    "Beam": "beam",
    "CARS": "asap",
    "MCMC": "mcmc",
    "Masking": "masking",
    "Mirostat": "mirostat",
    "PrefixTrie": "trie",
    "SMC": "smc",
    "Sample": "samples",
    "Samples": "samples",
    "Transform": "transforms",
    "TransformedModel": "transforms",
}

__all__ = [
    "AWRS",
    "CARS",
    "MCMC",
    "SMC",
    "ASAp",
    "Beam",
    "Masking",
    "Mirostat",
    "PrefixTrie",
    "Sample",
    "Samples",
    "Transform",
    "TransformedModel",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_WHERE[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
