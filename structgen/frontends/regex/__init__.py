"""Two notations of regular expressions, read into :mod:`structgen.ir.regex`.

:func:`parse_python` reads the syntax of Python's ``re`` with that module's own parser and
translates its tree, so what is valid and what it means is Python's to say. :func:`parse_ecma`
reads ECMA-262 with the meaning of the ``u`` flag, as JSON Schema demands, with a reader of its own:
the differences (``$``, ``\\d``, ``\\s``, ``\\w``, ``.``, property escapes, surrogate pairs) are too many
for a translation of the text into Python's syntax, which other validators attempt.

Both return the language of *whole texts*. By default a text belongs to it when the pattern
matches all of the text; with ``search=True``, when the pattern is found anywhere in it. Anchors and
looks stay true assertions about the text, wherever they stand.

What makes no sense as a language (backreferences, atomic groups) is refused with
``UnsupportedError`` naming the construct; wrong syntax with ``RegexSyntaxError`` and its span.
"""

from structgen.frontends.regex.ecma import is_hopeless_ecma, is_valid_ecma, parse_ecma
from structgen.frontends.regex.properties import properties_from
from structgen.frontends.regex.python import parse_python

__all__ = ["is_hopeless_ecma", "is_valid_ecma", "parse_ecma", "parse_python", "properties_from"]
