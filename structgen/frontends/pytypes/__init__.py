"""Python types as JSON Schema that promises what pydantic will accept.

The problem: pydantic already writes a JSON Schema for a type, but as *documentation*. Taken
as a *constraint* it is too wide in places -- a ``datetime`` whose second is 60 passes
``format: date-time`` and is refused by the validator, a ``dict[int, str]`` loses its keys, a
``Decimal``'s bounds guard only one of its two spellings -- and a model that is steered by it
would produce text from which no object can be built.

The algorithm: a subclass of pydantic's own generator (``schema.py``) overrides, one core type
at a time, what it writes, so the nesting, references, aliases, generics and recursion stay
pydantic's; then one pass over the result (``formats.py``) replaces formats that only pydantic
knows by patterns, and refuses the rest by name. The law, tested with random types and random
documents: *every document the schema allows, the validator accepts*, as long as the type
brings no validators of its own. Where both cannot be had we narrow (a ``Decimal`` with bounds
is spelled as a number only) and never widen.

Rejected: patching pydantic's finished schema, which no longer knows which core type a node
came from (a ``set`` of unhashable items and a list look alike); writing a walker over typing
constructs of our own, which would disagree with the validator sooner or later.

``schema_of`` gives the constraint, ``prompt_schema_of`` the shorter form for people and
models to read (formats by name instead of patterns).
"""

from __future__ import annotations

from structgen.frontends.pytypes.markers import Choice, Lark, Regex, TextMarker
from structgen.frontends.pytypes.outline import outline
from structgen.frontends.pytypes.schema import adapter_of, prompt_schema_of, schema_of, type_name_of

__all__ = [
    "Choice",
    "Lark",
    "Regex",
    "TextMarker",
    "adapter_of",
    "outline",
    "prompt_schema_of",
    "schema_of",
    "type_name_of",
]
