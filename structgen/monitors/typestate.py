"""Typestate: only methods that are legal in the receiver's current state.

The protocol of a type is a small automaton over method names, declared by the user:

    Typestate("file", creators={"open"}, start="open",
              moves={("open", "read"): "open", ("open", "close"): "closed"})

The state is followed on straight lines only: from the statement that creates the object,
down the same block, to the cursor. Anything else the variable meets there (a branch or
loop that mentions it, being passed on, stored, or assigned anew) makes it UNKNOWN. Names
that the automaton does not mention are never touched.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from structgen.monitors.gates import ExceptGate, Gate, NameSet
from structgen.monitors.sites import SiteKind
from structgen.monitors.text import TextState

__all__ = ["Typestate", "TypestateRule", "state_of"]


@dataclass(frozen=True, slots=True)
class Typestate:
    """An automaton over the methods of one type; ``moves[(state, method)]`` is the next state."""

    name: str
    creators: frozenset[str]
    """What is called to make one, as it is written: ``open``, ``socket.socket``."""
    start: str
    moves: Mapping[tuple[str, str], str]

    @property
    def methods(self) -> frozenset[str]:
        return frozenset(method for _, method in self.moves)

    def legal(self, state: str) -> frozenset[str]:
        """Methods that ``state`` allows."""
        return frozenset(method for at, method in self.moves if at == state)


class TypestateRule:
    """Holds back the methods that are illegal now.

    ``prefix`` is the text before the generated one, as the monitor has it.
    """

    triggers = b"."
    is_dense = False
    kinds = frozenset({SiteKind.MEMBER})

    def __init__(self, typestate: Typestate, *, prefix: bytes = b"") -> None:
        self.typestate = typestate
        self.name = f"typestate {typestate.name}"
        self._prefix = prefix

    def live_triggers(self, state: TextState) -> bytes:
        """See ``Rule``."""
        return self.triggers

    def pre(self, state: TextState) -> bool:
        """See ``Rule``."""
        if state.scanner.kind is not SiteKind.MEMBER:
            return False
        site = state.site
        return site is not None and _is_name(site.receiver)

    def gate(self, state: TextState) -> Gate | None:
        """See ``Rule``."""
        site = state.site
        if site is None:
            return None
        text = (self._prefix + state.text)[: site.trigger]
        at = state_of(self.typestate, text.decode("utf-8", "replace"), site.receiver.decode("utf-8", "replace"))
        if at is None:
            return None
        banned = self.typestate.methods - self.typestate.legal(at)
        return ExceptGate(NameSet(banned), site.typed) if banned else None


def _is_name(receiver: bytes) -> bool:
    return receiver.decode("utf-8", "replace").isidentifier()


def state_of(typestate: Typestate, text: str, variable: str) -> str | None:
    """The state of ``variable`` at the end of ``text``, which stops after ``variable.``; None if not certain."""
    line_start = text.rfind("\n") + 1
    current = text[line_start:]
    creators = "|".join(sorted(map(re.escape, typestate.creators), key=len, reverse=True))
    created = re.compile(
        rf"^([ \t]*){re.escape(variable)}[ \t]*(?::[^=\n]*)?=[ \t]*(?:{creators})[ \t]*\(", re.MULTILINE
    )
    found = list(created.finditer(text, 0, line_start))
    if not found:
        return None
    indent = found[-1].group(1)
    if not re.match(rf"{indent}(?=\S)", current):
        return None
    lines = logical_lines(text[found[-1].start() : line_start])
    if lines is None:
        return None
    state: str | None = typestate.start
    for depth, tokens in lines[1:]:
        if depth < 0:
            return None  # the block was left: this is not the same object, or not surely
        if variable not in tokens:
            continue
        state = follow(typestate, state, tokens, variable) if depth == 0 else None
        if state is None:
            return None
    before = logical_lines(current + "x\n")
    if before is None:
        return None
    return follow(typestate, state, before[0][1][:-3], variable)


def follow(typestate: Typestate, state: str | None, tokens: Iterable[str], variable: str) -> str | None:
    """The state after a line in which ``variable`` only receives calls; None otherwise."""
    listed = list(tokens)
    for i, token in enumerate(listed):
        if token != variable or (i and listed[i - 1] == "."):
            continue
        if listed[i + 1 : i + 2] != ["."] or listed[i + 3 : i + 4] != ["("] or state is None:
            return None
        method = listed[i + 2]
        if method in typestate.methods:
            state = typestate.moves.get((state, method))
    return state


def logical_lines(text: str) -> list[tuple[int, list[str]]] | None:
    """Each logical line's depth of indentation against the first, and its tokens; None where it does not tokenize."""
    lines: list[tuple[int, list[str]]] = []
    depth = 0
    tokens: list[str] = []
    dedented = _dedent(text)
    if dedented is None:
        return None
    try:
        for token in tokenize.generate_tokens(io.StringIO(dedented).readline):
            if token.type == tokenize.INDENT:
                depth += 1
            elif token.type == tokenize.DEDENT:
                depth -= 1
            elif token.type == tokenize.NEWLINE:
                lines.append((depth, tokens))
                tokens = []
            elif token.type not in (tokenize.NL, tokenize.COMMENT, tokenize.ENDMARKER):
                tokens.append(token.string)
    except (tokenize.TokenError, IndentationError):
        return None
    return lines


def _dedent(text: str) -> str | None:
    """Take the first line's indentation off every line; None where a line has less: the block was left."""
    match = re.match(r"[ \t]*", text)
    indent = match.group() if match else ""
    lines = text.split("\n")
    if any(line.strip() and not line.startswith(indent) for line in lines):
        return None
    return "\n".join(line.removeprefix(indent) for line in lines)
