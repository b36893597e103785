"""Checks that a sampler, a model or a potential keeps its laws, for structgen's own and for yours.

Samplers are checked *without statistics*: ``exhaust`` runs a function through every
outcome of its random decisions (see ``samplers.choices``) with exact probabilities, so
``E[w 1(X = y)] = p(y) 1[y in L]`` is an equation between numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from structgen.errors import LimitError
from structgen.samplers.choices import Choices, ScriptedChoices

__all__ = ["exhaust"]

T = TypeVar("T")


def exhaust(run: Callable[[Choices], T], *, limit: int = 1_000_000) -> Iterator[tuple[float, T]]:
    """Run ``run`` once per way its random decisions can fall: (probability, result) each.

    ``run`` must depend on nothing else that varies. Costs one full run per outcome.

    Parameters
    ----------
    run : takes ``Choices``, returns anything
    limit : outcomes after which to give up

    Raises
    ------
    LimitError : more than ``limit`` outcomes

    Examples
    --------
    >>> sorted(exhaust(lambda choices: choices.index([1, 3])))
    [(0.25, 0), (0.75, 1)]
    """
    script: list[int] | None = []
    n_outcomes = 0
    while script is not None:
        n_outcomes += 1
        if n_outcomes > limit:
            raise LimitError(f"more than {limit} outcomes", what="outcomes", given=n_outcomes, limit=limit)
        choices = ScriptedChoices(script)
        result = run(choices)
        yield choices.probability, result
        script = choices.next_script()
