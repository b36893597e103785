"""AWRS as a sampler: independent weighted sequences; the token draw itself is in ``samplers.rejection``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from structgen.samplers.cancelling import Cancel
from structgen.samplers.protocol import LanguageModel, PromptLike
from structgen.samplers.rejection import Budgeted, TokenDraw
from structgen.samplers.samples import Samples
from structgen.samplers.smc import PopulationSettings, sample_population

__all__ = ["AWRS"]


@dataclass(frozen=True)
class AWRS:
    """Independent sequences by adaptive weighted rejection sampling, for predicates without a mask.

    Weights are proper for the target: ``E[w 1(X = y)] = p(y) f(y)`` for every text y of at
    most ``max_tokens`` tokens (end of sequence counted in), at every setting. Self-normalised
    weighted samples tend to ``P(. | L)`` as their number grows. Where the target is a product
    with a compiled constraint, the mask gives exact mass and only drawn tokens are asked about.
    See ``samplers.rejection`` for the method.

    Parameters
    ----------
    particles : weighted draws per run; ``sample(n)`` with another n resamples from them (then all
        weigh the same, the evidence). None: as many as asked for, with their own weights
    budget, thrift, max_rejects : see ``samplers.rejection.Budgeted``
    temperature : of the model; the target is then relative to the model at that temperature
    form : another token draw, such as ``samplers.rejection.Geometric(2, 1000)``
    """

    particles: int | None = None
    budget: int = 1
    thrift: float = 0.01
    max_rejects: int | None = None
    temperature: float = 1.0
    form: TokenDraw | None = None

    def sample(
        self,
        model: LanguageModel,
        prompt: PromptLike = None,
        *,
        constraint: Any = None,
        n: int = 1,
        max_tokens: int = 256,
        seed: Any = None,
        cancel: Cancel = None,
    ) -> Samples:
        """Draw ``n`` weighted samples; a dead one has weight zero.

        Parameters
        ----------
        constraint : what ``potentials.product`` accepts; hard, soft, compiled, opaque
        seed : int, ``numpy`` generator, or ``Choices``
        cancel : stops the run between two tokens; what is finished is returned with ``extra["cancelled"]``

        Raises
        ------
        PredicateError, ModelError, IncompleteError, UnsatisfiableError : see those classes
        """
        proposal = self.form or Budgeted(self.budget, self.thrift, self.max_rejects)
        settings = PopulationSettings(proposal=proposal)
        return sample_population(
            settings, model, prompt, constraint, self.particles, n, max_tokens, seed, cancel, self.temperature
        )
