"""Rewrite a pattern of Rust's or Python's regex syntax in ECMA-262's, which JSON Schema speaks.

Most of the three syntaxes agree; what differs in common use is rewritten here: named groups,
``\\A`` and ``\\z``, flags at the front, needless escapes, and the Unicode meaning of ``\\d \\w
\\s``. Where no exact equivalent exists the result is *narrower* (``\\W`` inside a character
class keeps only its ASCII part), so what matches afterwards also matched before. Constructs
that can be neither kept nor narrowed are left for the regex reader to refuse.
"""

from __future__ import annotations

from structgen.errors import TypeSupportError

__all__ = ["python_to_ecma", "rust_to_ecma"]

_CLASSES = {
    "rust": {"d": r"\p{Nd}", "w": r"\p{Alphabetic}\p{M}\p{Nd}\p{Pc}", "s": r"\s"},
    "python": {"d": r"\p{Nd}", "w": r"\p{L}\p{N}_", "s": r"\s"},
}
_NEGATED_ASCII = {"D": r"\x00-\x2f\x3a-\x7f", "W": r"\x00-\x2f\x3a-\x40\x5b-\x5e\x60\x7b-\x7f", "S": r"\x21-\x7e"}
_SYNTAX = set("^$\\.*+?()[]{}|/")
_KEPT_ESCAPES = set("bBfnrtvxupPkc0123456789")


def rust_to_ecma(pattern: str) -> str:
    """ECMA-262 source for a pattern of Rust's ``regex`` crate, pydantic's default engine."""
    return _Rewriter(pattern, "rust").run()


def python_to_ecma(pattern: str) -> str:
    """ECMA-262 source for a pattern of Python's ``re``."""
    return _Rewriter(pattern, "python").run()


class _Rewriter:
    def __init__(self, pattern: str, flavour: str) -> None:
        self.pattern, self.flavour, self.classes = pattern, flavour, _CLASSES[flavour]
        self.at = 0
        self.out: list[str] = []
        self.in_class = False

    def run(self) -> str:
        if self.pattern.startswith("(?i)"):
            return f"(?i:{_Rewriter(self.pattern[4:], self.flavour).run()})"
        while self.at < len(self.pattern):
            self._step()
        return "".join(self.out)

    def _step(self) -> None:
        rest = self.pattern[self.at :]
        if rest[0] == "\\" and len(rest) > 1:
            self.at += 2
            self.out.append(self._escape(rest[1]))
        elif self.in_class:
            self._class_character(rest)
        elif rest.startswith("(?P<"):
            self._emit("(?<", 4)
        elif rest.startswith("(?P="):
            name = rest[4 : rest.find(")")]
            self._emit(f"\\k<{name}>", len(name) + 5)
        else:
            self._open_class(rest) if rest[0] == "[" else self._emit(rest[0], 1)

    def _emit(self, text: str, consumed: int) -> None:
        self.out.append(text)
        self.at += consumed

    def _open_class(self, rest: str) -> None:
        self.in_class = True
        lead = "[^" if rest.startswith("[^") else "["
        literal_bracket = rest[len(lead) : len(lead) + 1] == "]"  # "[]a]" holds a bracket in both syntaxes
        self._emit(lead + ("\\]" if literal_bracket else ""), len(lead) + literal_bracket)

    def _class_character(self, rest: str) -> None:
        if rest[0] == "]":
            self.in_class = False
        elif self.flavour == "rust" and (rest[0] == "[" or rest[:2] in ("&&", "--", "~~")):
            raise TypeSupportError(
                f"the pattern {self.pattern!r} computes with character classes, which JSON Schema cannot say",
                type_name="str",
                hint="spell the class out",
            )
        self._emit("\\[" if rest[0] == "[" else rest[0], 1)

    def _escape(self, letter: str) -> str:
        if letter in self.classes:
            return self.classes[letter] if self.in_class else f"[{self.classes[letter]}]"
        if letter in _NEGATED_ASCII:
            return _NEGATED_ASCII[letter] if self.in_class else f"[^{self.classes[letter.lower()]}]"
        if letter == "A" or letter in "zZ":
            return "^" if letter == "A" else "$"
        if letter == "a":
            return "\\x07"
        keep = letter in _SYNTAX or letter in _KEPT_ESCAPES or (self.in_class and letter == "-")
        return "\\" + letter if keep or letter.isalnum() else letter
