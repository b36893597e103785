"""Python signatures as language servers and jedi print them, read back into ``Signature``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from structgen.monitors.engines.protocol import Parameter, Signature

__all__ = ["parse_parameters", "parse_signature"]


def parse_signature(item: Any) -> tuple[Signature, ...] | None:
    """A ``SignatureInformation`` of the protocol; None where its parameters cannot be read.

    Where the label prints a receiver that the list leaves out, some servers do the same for
    ``Base.method(self)``, which passes it: both readings are returned.
    """
    if not isinstance(item, Mapping) or not isinstance(item.get("label"), str):
        return None
    label: str = item["label"]
    inside = _inside_parentheses(label)
    listed = item.get("parameters")
    if inside == "" and listed is None:
        return None  # how zuban prints what it does not know; where there are no parameters it lists none
    signature = None if inside is None else parse_parameters(split_top_level(inside))
    if signature is None:
        return None
    if isinstance(listed, list) and len(listed) == len(signature.parameters) - 1:
        bound = Signature(signature.parameters[1:])
        return (bound, signature) if signature.parameters[0].name == "self" else (bound,)
    return (signature,)


def parse_parameters(texts: Iterable[str]) -> Signature | None:
    """Parameters in Python's notation (``x: int = 3``, ``/``, ``*``, ``*args``, ``**kw``); None if odd."""
    parsed: list[Parameter] = []
    keyword_only = False
    for raw in texts:
        text = raw.strip()
        if text in ("", "..."):
            if text == "...":  # "any arguments": (*args, **kwargs)
                parsed.append(Parameter("args", True, False, False, variadic=True))
                parsed.append(Parameter("kwargs", False, True, False, variadic=True))
            continue
        if text == "/":
            parsed = [Parameter(p.name, p.positional, False, p.required, p.variadic) for p in parsed]
            continue
        if text == "*":
            keyword_only = True
            continue
        stars = len(text) - len(text.lstrip("*"))
        name = text.lstrip("*").split(":")[0].split("=")[0].strip()
        if not name.isidentifier() or stars > 2:
            return None
        if stars:
            parsed.append(Parameter(name, stars == 1, stars == 2, False, variadic=True))
            keyword_only = keyword_only or stars == 1
            continue
        # Two leading underscores are the old spelling of positional-only.
        hidden = name.startswith("__") and not name.endswith("__")
        parsed.append(Parameter(name, not keyword_only, not hidden, not has_default(text)))
    return Signature(tuple(parsed))


def has_default(text: str) -> bool:
    """Whether ``x: T = v`` carries a default, brackets and strings of the annotation set aside."""
    depth = 0
    quote = ""
    for character in text:
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif character == "=" and depth == 0:
            return True
    return False


def split_top_level(text: str) -> list[str]:
    """Split at the commas outside brackets and strings."""
    parts: list[str] = []
    depth = 0
    quote = ""
    start = 0
    for i, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif character == "," and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    return [*parts, text[start:]]


def _inside_parentheses(label: str) -> str | None:
    """The text of the first parenthesised group outside brackets (type parameters), without its parentheses."""
    start = -1
    depth = 0
    quote = ""
    for i, character in enumerate(label):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "([{":
            if depth == 0 and character == "(":
                start = i
            depth += 1
        elif character in ")]}":
            depth -= 1
            if depth == 0 and start >= 0:
                return label[start + 1 : i]
    return None
