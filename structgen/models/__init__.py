"""Language models: the only package that knows torch.

``Table`` is a toy whose distribution can be enumerated; ``Transformers`` is any causal
language model that the transformers library loads. Both implement
``structgen.samplers.protocol.LanguageModel``. Names are resolved on first use, so that a
toy model never imports torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from structgen.models.table import Table
    from structgen.models.transformers import Transformers

__all__ = ["Table", "Transformers"]


def __getattr__(name: str) -> Any:
    if name == "Table":
        from structgen.models.table import Table

        return Table
    if name == "Transformers":
        from structgen.models.transformers import Transformers

        return Transformers
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
