"""When a list of members may constrain, and when it must not.

The rules err one way only. A list is UNKNOWN where it is empty, cut short, nothing but
what every object has (what type checkers answer for a type they do not know), or has
``__getattr__`` in it (any name works then). Names with two leading and two trailing
underscores are always let through: functions, classes and modules carry many that no
engine lists, and a model does not stumble into them.
"""

from __future__ import annotations

import types
from typing import Final

from structgen.monitors.engines.protocol import UNKNOWN, Completion, Names, Unknown

__all__ = ["ALWAYS", "OBJECT_NAMES", "is_dunder", "member_names"]

OBJECT_NAMES: Final[Names] = frozenset(dir(object)) | {
    "__annotations__",
    "__dict__",
    "__module__",
    "__slots__",
    "__weakref__",
}
"""What every object has; a list within these says nothing about the type."""

ALWAYS: Final[Names] = frozenset(
    name
    for kind in (object, type, types.FunctionType, types.ModuleType, types.MethodType)
    for name in dir(kind)
    if name.startswith("__")
) | {"__all__", "__file__", "__name__", "__package__", "__path__", "__spec__", "__version__", "__wrapped__"}
"""Dunder names that are offered at any dereference that is constrained at all."""

_CALLABLE_ONLY: Final[Names] = OBJECT_NAMES | {"__call__", "__get__"}
"""A function's list; attributes are set on functions freely (``f.cache_clear``), so: UNKNOWN."""

_DYNAMIC: Final[Names] = frozenset({"__getattr__"})


def is_dunder(name: str) -> bool:
    """``__x__``, the names that Python itself gives meaning to."""
    return len(name) > 4 and name.startswith("__") and name.endswith("__")


def member_names(completion: Completion | Unknown, *, habitually_incomplete: bool = False) -> Names | Unknown:
    """The members a completion after a dot proves, or UNKNOWN; see the module's rules.

    ``habitually_incomplete`` ignores the mark of a shortened list, for servers that set
    it on complete ones as well.
    """
    if completion is UNKNOWN:
        return UNKNOWN
    if completion.incomplete and not habitually_incomplete:
        return UNKNOWN
    names = completion.names
    if all(is_dunder(name) for name in names) or names & _DYNAMIC:
        return UNKNOWN
    return names | ALWAYS
