"""What ASAp and CARS learn: the valid mass beyond each visited prefix, bounded and guessed.

A node ``v`` keeps ``c(v)``, the estimate of the chance that the model, going on from
``v``, ends in the language. It starts at the local valid mass ``m(v)`` and only falls: an
over-estimate throughout, which is what CARS needs. The form is sparse: scalars per visited
node, never a row of the vocabulary. The paper stores ``m(v)`` and subtracts what visited
children lost,

    c(v) = m(v) - sum over visited a of p(a|v) (1 - c(va)),

which cancels when most mass is visited. Here a node stores ``open``, the valid mass of its
*unvisited* tokens, and ``c(v) = open + sum p(a|v) c(va)`` is a sum of positive terms. ``open``
is measured anew from the model's row at every visit, so nothing drifts.

Beside the bound stands a guess ``g(v)`` without a direction, which ASAp draws by: the same
sum, but unvisited tokens count what ``samplers.outlook`` expects of them instead of 1,

    g(v) = ends + (open - ends) h(v) + sum p(a|v) g(va),

where ``ends`` is the part of ``open`` that ends the text there, certainly valid. Once a
prefix has been explored to its leaves both are the exact valid mass.

Nodes are numbered in order of creation; 0 is the root. End of sequence is a child with
``c = 1``. A token that turned out invalid is a child with ``c = 0``.

Files hold plain arrays (``numpy.savez``, no pickle) and a key: the hash of constraint,
model, prompt, temperature and token budget. Loading under another key is refused.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from structgen.errors import ConstraintError, LimitError
from structgen.samplers.outlook import Outlook

__all__ = ["PrefixTrie", "trie_key"]

_FORMAT = 2
_COLUMNS = ("p", "c", "open", "is_visited", "guess", "ends", "kind", "is_example")
_LEAST = 1e-300
"""An estimate never falls to 0 by rounding: that would take texts out of reach."""


class PrefixTrie:
    """Visited prefixes with what was learnt about them; mutable.

    Parameters
    ----------
    key : what it was learnt on; see ``trie_key``
    max_nodes : nodes it may hold, each about half a kilobyte

    Attributes
    ----------
    children : per node, token -> node
    p, c, open : per node: probability of the edge into it, over-estimate, valid mass of unvisited tokens
    guess, ends : per node: estimate without a direction; the part of ``open`` that ends the text
    kind : per node: which nodes it is like, a 63-bit hash of its mask
    is_example : per node: whether its guess counts in the outlook of its siblings and their like;
        not where the token was known to end a valid text
    """

    def __init__(self, key: str = "", *, max_nodes: int = 2_000_000) -> None:
        self.key = key
        self.max_nodes = max_nodes
        self.children: list[dict[int, int]] = [{}]
        self.p: list[float] = [1.0]
        self.c: list[float] = [1.0]
        self.open: list[float] = [1.0]
        self.is_visited: list[bool] = [False]
        self.guess: list[float] = [1.0]
        self.ends: list[float] = [0.0]
        self.kind: list[int] = [0]
        self.is_example: list[bool] = [False]
        self._outlook = Outlook()

    def __len__(self) -> int:
        return len(self.c)

    def __repr__(self) -> str:
        return f"PrefixTrie({len(self)} nodes, c(root)={self.c[0]:.6g})"

    @property
    def root_estimate(self) -> float:
        """``c(root)``, an over-estimate of Z; tends to Z."""
        return self.c[0]

    def child(self, node: int, token_id: int) -> int:
        """The child's node; -1 where it was never visited."""
        return self.children[node].get(token_id, -1)

    def visited(self, node: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Tokens of the visited children, their ``c`` and their guesses."""
        children = self.children[node]
        tokens = np.fromiter(children.keys(), dtype=np.int64, count=len(children))
        bounds = np.array([self.c[child] for child in children.values()], dtype=np.float64)
        return tokens, bounds, np.array([self.guess[child] for child in children.values()], dtype=np.float64)

    def outlook(self, node: int, kind: int) -> float:
        """What the unvisited children of a prefix of this kind are expected to be worth; node -1 where it is new."""
        children = self.children[node].values() if node >= 0 else ()
        examples = [self.guess[child] for child in children if self.is_example[child]]
        return self._outlook.worth(kind, math.fsum(examples), len(examples))

    def add(self, node: int, token_id: int, probability: float, estimate: float) -> int:
        """The child of ``node`` by ``token_id``, made where it is missing, with this estimate.

        Raises
        ------
        LimitError : the trie is full
        """
        known = self.child(node, token_id)
        if known >= 0:
            return known
        if len(self) >= self.max_nodes:
            raise LimitError("the prefix trie is full", what="trie nodes", given=len(self), limit=self.max_nodes)
        self.children[node][token_id] = len(self)
        self.p.append(probability)
        self.c.append(estimate)
        self.open.append(estimate)
        self.children.append({})
        self.is_visited.append(False)
        self.guess.append(estimate)
        self.ends.append(0.0)
        self.kind.append(0)
        self.is_example.append(False)
        return len(self) - 1

    def refresh(self, node: int, parent: int = -1) -> None:
        """Recompute the estimates of a node from its children (``c`` never upwards), and tell the outlook.

        Parameters
        ----------
        parent : -1 for the root
        """
        before = self.guess[node] if self.is_example[node] else None
        if self.is_visited[node]:
            self._recompute(node)
        if parent >= 0:
            self._outlook.note(self.kind[parent], before, self.guess[node])
            self.is_example[node] = True

    def _recompute(self, node: int) -> None:
        children = self.children[node].values()
        total = self.open[node] + sum(self.p[child] * self.c[child] for child in children)
        reachable = self.open[node] > 0.0 or any(self.c[child] > 0.0 for child in children)
        least = _LEAST if reachable else 0.0
        self.c[node] = min(self.c[node], max(total, least))
        guess = self.ends[node] + sum(self.p[child] * self.guess[child] for child in children)
        inside = self.open[node] - self.ends[node]
        if inside > 0.0:
            guess += inside * self.outlook(node, self.kind[node])
        self.guess[node] = max(guess, least)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write to ``path`` (``.npz``), whole or not at all.

        Raises
        ------
        ValueError : the trie has no key, so a reader could not tell what it belongs to
        """
        if not self.key:
            raise ValueError("a trie without a key cannot be saved: name the predicate or potential")
        edges = [(node, token, child) for node, row in enumerate(self.children) for token, child in row.items()]
        meta = json.dumps({"format": _FORMAT, "key": self.key})
        target = Path(path)
        partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
        arrays: dict[str, Any] = {name: np.array(getattr(self, name)) for name in _COLUMNS}
        arrays["meta"] = np.frombuffer(meta.encode(), dtype=np.uint8)
        arrays["edges"] = np.array(edges, dtype=np.int64).reshape(-1, 3)
        with partial.open("wb") as file:
            np.savez(file, **arrays)
        partial.replace(target)

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, key: str | None = None) -> PrefixTrie:
        """Read what ``save`` wrote.

        Parameters
        ----------
        key : what it must have been learnt on; None accepts any

        Raises
        ------
        ConstraintError : it was learnt on something else, or the file is of another format
        """
        with np.load(path, allow_pickle=False) as data:
            meta: dict[str, Any] = json.loads(bytes(data["meta"]).decode())
            if meta.get("format") != _FORMAT or (key is not None and meta.get("key") != key):
                raise ConstraintError(
                    "the saved trie belongs to another constraint, model, prompt, temperature or budget",
                    source=str(path),
                    hint="delete the file, or give each target its own",
                )
            trie = cls(str(meta["key"]))
            for name in _COLUMNS:
                setattr(trie, name, data[name].tolist())
            trie.children = [{} for _ in trie.c]
            for node, token_id, child in data["edges"].tolist():
                trie.children[node][token_id] = child
        trie._read_outlook()
        return trie

    def _read_outlook(self) -> None:
        """Make the outlook of the nodes there are."""
        edges = [(node, child) for node, row in enumerate(self.children) for child in row.values()]
        self._outlook = Outlook((self.kind[node], self.guess[child]) for node, child in edges if self.is_example[child])


def trie_key(
    constraint: str, model: str, vocabulary: str, prompt: list[int], temperature: float, max_tokens: int
) -> str:
    """Hash of everything the estimates depend on; empty where the constraint has no stable name."""
    if not constraint:
        return ""
    parts = json.dumps([constraint, model, vocabulary, prompt, temperature, max_tokens])
    return hashlib.blake2b(parts.encode(), digest_size=20).hexdigest()
