"""Unicode property escapes: ``\\p{...}`` by General_Category, Script and the common binary ones."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files

from structgen.frontends.regex.classes import category, known_category, runs
from structgen.ir.regex import ANY, CharSet, char_set, negate_set

__all__ = ["properties_from", "property_set"]

_CATEGORY_NAMES = {
    "Cased_Letter": "LC", "Close_Punctuation": "Pe", "Connector_Punctuation": "Pc", "Control": "Cc", "cntrl": "Cc",
    "Currency_Symbol": "Sc", "Dash_Punctuation": "Pd", "Decimal_Number": "Nd", "digit": "Nd", "Enclosing_Mark": "Me",
    "Final_Punctuation": "Pf", "Format": "Cf", "Initial_Punctuation": "Pi", "Letter": "L", "Letter_Number": "Nl",
    "Line_Separator": "Zl", "Lowercase_Letter": "Ll", "Mark": "M", "Combining_Mark": "M", "Math_Symbol": "Sm",
    "Modifier_Letter": "Lm", "Modifier_Symbol": "Sk", "Nonspacing_Mark": "Mn", "Number": "N",
    "Open_Punctuation": "Ps", "Other": "C", "Other_Letter": "Lo", "Other_Number": "No", "Other_Punctuation": "Po",
    "Other_Symbol": "So", "Paragraph_Separator": "Zp", "Private_Use": "Co", "Punctuation": "P", "punct": "P",
    "Separator": "Z", "Space_Separator": "Zs", "Spacing_Mark": "Mc", "Surrogate": "Cs", "Symbol": "S",
    "Titlecase_Letter": "Lt", "Unassigned": "Cn", "Uppercase_Letter": "Lu",
}  # fmt: skip


_CATEGORIES = (
    *("L", "LC", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "Mc", "Me", "N", "Nd", "Nl", "No", "P", "Pc", "Pd", "Ps"),
    *("Pe", "Pi", "Pf", "Po", "S", "Sm", "Sc", "Sk", "So", "Z", "Zs", "Zl", "Zp", "C", "Cc", "Cf", "Cs", "Co", "Cn"),
)
_BINARY_NAMES = (
    *("Any", "ASCII", "Assigned", "ASCII_Hex_Digit", "AHex", "Alphabetic", "Alpha", "Lowercase", "Lower"),
    *("Uppercase", "Upper", "White_Space", "space"),
)
_CATEGORY_KEYS = ("General_Category", "gc")
_SCRIPT_KEYS = ("Script", "sc", "Script_Extensions", "scx")


@lru_cache(maxsize=256)
def property_set(name: str, lenient: bool = False) -> CharSet | None:
    """The set named by ``\\p{name}``; None when there is no such property.

    ``lenient`` also takes names in any case, as ``\\p{letter}`` of Perl and Java.
    """
    key, equals, value = name.partition("=")
    if equals:
        if key in _CATEGORY_KEYS:
            return _by_category(value, lenient)
        if key in _SCRIPT_KEYS:
            return _script(value, extended=key in ("Script_Extensions", "scx"))
        return None
    found = _binary(name)
    return _by_category(name, lenient) if found is None else found


def properties_from(begun: str) -> Iterator[str]:
    """Names for ``\\p{...}`` that begin with ``begun``."""
    key, equals, value = begun.partition("=")
    if not equals:
        names = (*_CATEGORIES, *_CATEGORY_NAMES, *_BINARY_NAMES, *(f"{name}=Lu" for name in _CATEGORY_KEYS))
        yield from (name for name in names if name.startswith(begun) and property_set(name) is not None)
        yield from (f"{name}=Latin" for name in _SCRIPT_KEYS if name.startswith(begun))
    elif key in _CATEGORY_KEYS:
        yield from (f"{key}={name}" for name in (*_CATEGORIES, *_CATEGORY_NAMES) if name.startswith(value))
    elif key in _SCRIPT_KEYS and (not value or value[0].isupper()):
        plain = value.replace("_", "").upper()
        for name in _scripts():
            if name.startswith(plain):
                yield f"{key}={value}{name[len(plain) :].lower() if value else name.capitalize()}"


def _by_category(name: str, lenient: bool) -> CharSet | None:
    found = category(_CATEGORY_NAMES.get(name, name))
    if found is None and lenient:
        folded = {k.lower(): v for k, v in _CATEGORY_NAMES.items()}
        found = category(folded.get(name.lower(), name.capitalize()))
    return found


@lru_cache(maxsize=1)
def _scripts() -> dict[str, tuple[str, str]]:
    """Ranges, as text, of each script and of its extensions, by every name of it."""
    table: dict[str, tuple[str, str]] = {}
    text = files("structgen.frontends.regex").joinpath("scripts.txt").read_text("ascii")
    for line in text.splitlines():
        if not line.startswith("#"):
            names, _, ranges = line.partition(": ")
            own, _, extended = ranges.partition(" | ")
            for name in names.split(","):
                table[name] = (own, extended or own)
    return table


def _script(name: str, extended: bool) -> CharSet | None:
    found = _scripts().get(name.replace("_", "").upper()) if name[:1].isupper() else None
    if found is None:
        return None
    ends = [part.partition("-") for part in found[extended].split()]
    return char_set([(int(lo, 16), int(hi or lo, 16)) for lo, _, hi in ends])


def _binary(name: str) -> CharSet | None:
    if name == "Any":
        return ANY
    if name == "ASCII":
        return char_set([(0, 0x7F)])
    if name == "Assigned":
        return negate_set(known_category("Cn"))
    if name in ("ASCII_Hex_Digit", "AHex"):
        return char_set([(0x30, 0x39), (0x41, 0x46), (0x61, 0x66)])
    if name in ("Alphabetic", "Alpha"):
        return char_set(runs(str.isalpha))
    if name in ("Lowercase", "Lower"):
        return char_set(runs(str.islower))
    if name in ("Uppercase", "Upper"):
        return char_set(runs(str.isupper))
    if name in ("White_Space", "space"):
        return char_set([(9, 13), (32, 32), (0x85, 0x85), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A),
                         (0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000)])  # fmt: skip
    return None
