"""When a list of members may constrain, and when it must not.

The rules err one way only. A list is UNKNOWN where it is empty, cut short, nothing but
dunder names (what every object has, and functions: that is what type checkers answer
for a type they do not know, and attributes are set on functions freely), or what every
exception has (the answer where a broken line hides which one was caught), or has
``__getattr__`` in it (any name works then). So it is where the engine lost the dot in a
text that is broken around the cursor and listed the names in scope. Names with two leading and two trailing
underscores are always let through: functions, classes and modules carry many that no
engine lists, and a model does not stumble into them.
"""

from __future__ import annotations

import types
from typing import Final

from structgen.monitors.engines.protocol import UNKNOWN, Completion, Names, Unknown

__all__ = ["ALWAYS", "is_dunder", "is_of_scope", "is_trusted", "member_names"]

ALWAYS: Final[Names] = frozenset(
    name
    for kind in (object, type, types.FunctionType, types.ModuleType, types.MethodType)
    for name in dir(kind)
    if name.startswith("__")
) | {"mro", "__all__", "__file__", "__name__", "__package__", "__path__", "__spec__", "__version__", "__wrapped__"}
"""Dunder names that are offered at any dereference that is constrained at all."""

_OF_EXCEPTIONS: Final[Names] = frozenset(name for name in dir(BaseException) if name[0] != "_") | {"add_note"}
_IN_SCOPE: Final[Names] = frozenset({"ArithmeticError", "isinstance", "print"})
"""Builtins: with these among the members, the engine lost the dot and listed names in scope."""


def is_dunder(name: str) -> bool:
    """``__x__``, the names that Python itself gives meaning to."""
    return len(name) > 4 and name.startswith("__") and name.endswith("__")


def is_of_scope(completion: Completion) -> bool:
    """Whether the engine listed the names in scope, because it could not read what comes before the cursor."""
    return completion.names >= _IN_SCOPE


def is_trusted(completion: Completion, *, habitually_incomplete: bool = False) -> bool:
    """Whether a completion after a dot proves what the members are; see the module's rules.

    ``habitually_incomplete`` ignores the mark of a shortened list, for servers that set
    it on complete ones as well.
    """
    if completion.incomplete and not habitually_incomplete:
        return False
    if is_of_scope(completion) or "__getattr__" in completion.names:
        return False
    return not all(is_dunder(name) or name in _OF_EXCEPTIONS for name in completion.names)


def member_names(completion: Completion | Unknown, *, habitually_incomplete: bool = False) -> Names | Unknown:
    """The members a completion proves, with Python's own dunder names, or UNKNOWN."""
    if completion is UNKNOWN or not is_trusted(completion, habitually_incomplete=habitually_incomplete):
        return UNKNOWN
    return completion.names | ALWAYS
