"""Static analysis beside the automaton: monitors that narrow what a model may write next.

A grammar knows syntax. Only static analysis knows that ``order.`` may be followed by
``total`` and not by ``totl``. A *monitor* (monitor-guided decoding, Agrawal et al. 2023,
arXiv:2306.10763) watches the text, asks an *engine* where names are due, and turns the
answer into *gates*: bytes that may come next. A product (``machine``) intersects them
with a grammar's masks, so every sampler takes the result as one more constraint;
``MonitorPotential`` is the same thing as a weight.

What differs from the paper's implementation, and why:

- *Bytes, whole tokens.* Names are the identifier terminal, followed by a byte that no
  identifier has; one walk of the token trie judges tokens that contain the dot themselves
  or run past the name. Nothing depends on how a model splits text.
- *Sound by default.* UNKNOWN never constrains, and ``rules`` and ``members`` say when a
  list is not to be trusted. Of 2,417 true member accesses in the standard library and
  ten packages, 59.7 % were constrained and 11 of those (0.8 %) forbidden wrongly; of 2,671
  in sixteen packages that no rule was tuned on, 70.3 % and 29 (1.5 %). All are gaps of the
  engine (a type annotated too narrowly, attributes of another platform, narrowing lost in
  the unfinished line): ``tests/bench/monitors.py soundness [--packages second]`` lists each.
- *Useful.* At 160 dereference points of packages SmolLM2-135M, greedy, wrote a member that
  exists at 68 % of them alone and at 100 % with the monitor; the true one at 42 % and
  51 %; lines in which another checker (ty) misses an attribute fell from 32 % to 3 %:
  ``tests/bench/monitors.py usefulness``.
- *Cheap.* Beyond the queries a mask and a step at which tokens are held back cost 42 us in
  the median and 95 in the 95th percentile (right after a new answer 77 and 98), under
  ``python.lark`` 54 and 120 (96 and 129), of which the grammar's own are 2 (128k tokens,
  processor time, machine shared with eight other jobs): ``tests/bench/monitors.py overhead``.
- *Lexical state first.* ``python_scanner`` follows Python byte by byte, so a query is made
  only where a dereference is, never in a string, a comment or a number.
- *Arguments without a walk.* See ``call_rows``: judging every token inside argument lists byte
  by byte cost 120 ms a mask and seconds where tokens open calls; now it costs half a millisecond.
- *A server may die.* Every query has a time limit; see ``engines.lsp``.

**Use.** ``@sg.generate(constraint=..., monitors=[python(project=".")])``, ``sg.monitored`` for
any sampler, ``sg.fill_in`` and ``structgen generate --monitor`` at a cursor of a file,
``structgen explain --monitor`` to see what was held back. ``inside`` keeps a monitor to the
code of an answer that thinks or explains first.

**When it cannot work.** A missing project, program, file or cursor, a file that is no Python
and a server that does not come up are ``MonitorError``. With ``on_failure="continue"`` the
generation goes on without the monitor, with a warning. Either way each result carries a
``MonitorRecord``: what was asked, what overran, and why a monitor gave up.

**Engines.** jedi runs in process; every other one is a language server over stdio. The
default for Python is the first that is installed of zuban, pyrefly and jedi (the extra
``monitors`` brings zuban and jedi; zuban is AGPL-3.0 and runs as a program of its own, jedi MIT). Edit and
completion in a project of 1,000 lines, median and 95th percentile in ms, one after another
on a busy machine: zuban 2.2 and 4.2, pyrefly 6.3 and 31, jedi 84 and 228. On single
files of 1,100 lines, each cut off at the cursor: zuban 5, ty 9, pyrefly 14, pyright 32,
jedi 36, basedpyright 84. ty is not in the list: for a union it offers what *all* members
have, which forbids true names; pyright and basedpyright fall back to the names in scope
where the line is unfinished. pyrefly leaves a package's modules out of its imports, so that
rule is silent with it; jedi's signatures lack overloads, so ``arguments`` is refused with it.
jdtls takes 0.1 to 2 s a question (raise ``time_limit``).

Rejected: asking the engine at every token (the paper's ``pre`` on text, seconds per
token), one query per lead-in of a token (real vocabularies have thousands of tokens
behind a dot and a handful behind anything else), trusting ``isIncomplete`` blindly (ty and
pyright set it on complete lists), and a list of private names (stubs leave them out).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from structgen.monitors.clike_monitor import clike as clike
    from structgen.monitors.engines.profiles import PROFILES as PROFILES
    from structgen.monitors.engines.profiles import Profile as Profile
    from structgen.monitors.files import Hole as Hole
    from structgen.monitors.files import hole_in as hole_in
    from structgen.monitors.potential import MonitorPotential as MonitorPotential
    from structgen.monitors.protocol import Monitor as Monitor
    from structgen.monitors.python_monitor import python as python
    from structgen.monitors.records import MonitorRecord as MonitorRecord
    from structgen.monitors.sections import inside as inside
    from structgen.monitors.sql_monitor import sql as sql
    from structgen.monitors.typestate import Typestate as Typestate

__all__ = [
    "PROFILES",
    "Hole",
    "Monitor",
    "MonitorPotential",
    "MonitorRecord",
    "Profile",
    "Typestate",
    "clike",
    "hole_in",
    "inside",
    "python",
    "sql",
]

_WHERE = {
    "Hole": "files",
    "Monitor": "protocol",
    "MonitorPotential": "potential",
    "MonitorRecord": "records",
    "PROFILES": "engines.profiles",
    "Profile": "engines.profiles",
    "Typestate": "typestate",
    "clike": "clike_monitor",
    "hole_in": "files",
    "inside": "sections",
    "python": "python_monitor",
    "sql": "sql_monitor",
}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"{__name__}.{_WHERE[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
