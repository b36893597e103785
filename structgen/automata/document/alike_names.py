"""Names of one object that end alike, whatever they are.

An object whose names are counted keeps them, the one at hand with them, so that each name begun is a configuration
of its own: a thousand tokens that go on with a name are a thousand of them. But of the name only three
things are asked: whether it has come already, whether it is declared, and whether it comes again. All that are new,
undeclared and not among the strings of a text are ended by it alike.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from structgen.automata.document.keeping import Names
from structgen.automata.document.texts import decoded
from structgen.kernels import document as K

if TYPE_CHECKING:
    from structgen.automata.document.automaton import DocumentAutomaton

__all__ = ["EndedName"]

_NAME_END = re.compile(rb'((?:[^"\\]|\\.)*)"', re.DOTALL)
_STRING = re.compile(rb'"((?:[^"\\]|\\.)*)"', re.DOTALL)


class EndedName:
    """A text that may end documents, from the middle of a name."""

    def __init__(self, automaton: DocumentAutomaton, text: bytes) -> None:
        self._automaton = automaton
        found = _NAME_END.match(text)
        self._head = None if found is None else found[1]
        rest = b"" if found is None else text[found.end() :]
        self._strings = {decoded(string) for string in _STRING.findall(rest)}

    def alike(self, config: Any) -> Any:
        """What ``config`` has in common with those that the text ends alike: ``config`` itself where it is alone."""
        keeper = config[-1]
        if (
            self._head is None
            or type(keeper) is not Names
            or keeper.cell != config[K.R_CELL]
            or config[K.R_VALUE]
            or config[K.R_ESC]
            or not K.M_FREE <= config[K.R_MODE] <= K.M_CONTENT
        ):
            return config
        name = decoded(keeper.text + self._head)
        if name is None or name in keeper.names or name in self._strings or name in self._declared(config):
            return config
        return (*config[:-1], keeper.cell, keeper.names)

    def _declared(self, config: Any) -> Any:
        return self._automaton.general_objects.states[config[K.R_FRAME]].shape.keys.names
