"""Potentials: what weighs token sequences.

A potential is a non-negative function of prefixes and complete texts, in logs. Compiled
constraints are potentials with values 0 and ``-inf`` and a mask; predicates are the same
without a mask; repetition penalties and critics are soft. ``product`` makes one target of
several. ``cursor`` is the seam that samplers use.
"""

from __future__ import annotations

from structgen.potentials.constraint import ConstraintPotential
from structgen.potentials.predicate import Predicate, predicate
from structgen.potentials.product import Product, bind_target, product

__all__ = ["ConstraintPotential", "Predicate", "Product", "bind_target", "predicate", "product"]
