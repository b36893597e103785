"""Terminals that many grammars have, whose parts of masks are worked out when a vocabulary is prepared.

``masks.known_parts`` says what is gained. A pattern is found again where its syntax tree is the same, so the usual
ways of writing one are listed: those of Lark's ``common.lark``, of its documentation and of the grammars that come
with this package. Groups need not capture, classes may be written in any order.
"""

from __future__ import annotations

from structgen.grammar_constraint import lark
from structgen.masks.known_parts import KnownParts, known_parts
from structgen.masks.learned_parts import learn
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["prepare_terminals"]

_COMMON = (
    *("ESCAPED_STRING", "SIGNED_NUMBER", "NUMBER", "INT", "SIGNED_INT", "FLOAT", "SIGNED_FLOAT", "DECIMAL", "CNAME"),
    *("WORD", "WS", "WS_INLINE", "NEWLINE", "SH_COMMENT", "CPP_COMMENT", "C_COMMENT", "SQL_COMMENT"),
)
_QUOTED = (
    r"Q[^Q]*Q",
    r"Q[^Q\n]*Q",
    r"Q([^Q]|QQ)*Q",
    r"Q([^Q\\]|\\.)*Q",
    r"Q([^Q\\\n]|\\.)*Q",
    r"Q([^Q\\\r\n]|\\.)*Q",
    r"Q(\\.|[^Q\\])*Q",
    r"Q(\\.|[^Q\\\n])*Q",
    r"Q([^Q\\\n]|\\.)Q",
)
"""Strings, with either quote in place of Q."""
_PATTERNS = (
    r'"([^"\\\x00-\x1f]|\\(["\\\/bfnrt]|u[0-9a-fA-F]{4}))*"',
    r'"([^"\\\x00-\x1f]|\\["\\\/bfnrt]|\\u[0-9a-fA-F]{4})*"',
    r'"(\\(["\\\/bfnrt]|u[0-9a-fA-F]{4})|[^"\\\x00-\x1f])*"',
    r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?",
    r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?",
    r"[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?",
    r"[0-9]+(\.[0-9]+)?",
    r"-?[0-9]+(\.[0-9]+)?",
    r"-?[0-9]+",
    r"0|[1-9][0-9]*",
    r"0[xX][0-9a-fA-F]+",
    r"[A-Za-z_][A-Za-z0-9_]*",
    r"[A-Za-z_][A-Za-z0-9_-]*",
    r"[A-Za-z][A-Za-z0-9_]*",
    r"[A-Za-z]+",
    r"[a-z_][a-z0-9_]*",
    r"[^\W\d]\w*",
    r"[ \t\n\r]+",
    r"[ \t\n]+",
    r"[ \t]+",
    r"\s+",
)
_TOGETHER = (("[0-9]+", r"[0-9]+\.[0-9]+"), ("[0-9]+", r"[0-9]+\.[0-9]*"))
"""Terminals one of which another may become."""


def prepare_terminals(vocabulary: Vocabulary) -> KnownParts:
    """Work out what tokens do in usual terminals; nothing where that is done."""
    known = known_parts(vocabulary)
    if not known:
        for text in _grammars():
            learn(lark(text, cache=False).chosen.automaton(), vocabulary)
        known.tables(vocabulary.n_words)  # written down here, not in the first grammar's time
    return known


def _grammars() -> list[str]:
    quoted = [pattern.replace("Q", quote) for pattern in _QUOTED for quote in "\"'"]
    sets = [*_TOGETHER, *((pattern,) for pattern in (*_PATTERNS, *quoted))]
    found = [f"start: {name}*\n%import common.{name}\n" for name in _COMMON]
    for patterns in sets:
        names = [f"T{place}" for place in range(len(patterns))]
        lines = [f"{name}: /{pattern}/\n" for name, pattern in zip(names, patterns, strict=True)]
        found.append(f"start: ({' | '.join(names)})*\n{''.join(lines)}")
    return found
