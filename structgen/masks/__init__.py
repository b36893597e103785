"""Bytes meet tokens: which tokens may come next.

A *machine* is a constraint bound to a vocabulary. It moves between configurations (plain
hashable values) and fills packed masks; a *matcher* drives one machine along one sequence.
The seam is ``machine.TokenMachine``, so the matcher, budgets, batches and samplers know
nothing of regexes, schemas or grammars.

A mask over 128k tokens is the set of trie paths that an automaton can read, 0.7 ms if
every node is visited. Nearly all of the work here is about not doing that:

- a configuration seen before costs a copy of 16 KB (``cache``, bounded in bytes);
- configurations that no token can tell apart share a mask (``kernels.horizon``);
- inside free text only the tokens that leave it are walked (``text_runs``);
- cold masks of a batch are walked at the same time, outside the interpreter's lock (``batch``).

The index of Willard and Louf (2023, arXiv:2307.09702), and outlines-core with it, computes
every state's mask before the first token. That costs seconds for regexes with counters,
of whose states a generation then meets one in a thousand; so masks are filled as met. Only of
large schemas is something looked at before a token asks, when they are bound (``ahead``).

``budget`` keeps a sequence completable within the tokens left, ``costs`` knows how many that
takes, ``forced`` spells what the constraint has already decided.
"""
