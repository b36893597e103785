"""JSON under a schema: a lazily built pushdown automaton over bytes.

**The problem.** A schema is a boolean formula over assertions, with recursion. Engines that turn
it into a grammar give up on ``not``, ``oneOf``, ``if``, counts and unevaluated properties. JSON's brackets,
however, say when to push and pop, and visibly pushdown languages are closed under all
boolean operations (Alur and Madhusudan 2004), so the formula can be run as it is.

**The machine.** ``contexts``: what is asked of one value, one goal that must hold or several whose
verdicts the parent wants. ``objects`` and ``arrays``: open containers as frames; *plain* ones (a conjunction)
are stepped by the kernel with registers, *general* ones are interned residual formulas whose steps
are computed once and hashed. ``strings``, ``numbers``, ``labelled``: byte automata of scalars, kept in the
process-wide ``arena``. ``keys``: classes of property names. ``witness``: shortest texts, which decide
satisfiability, viability and completion. ``kernels.document`` reads bytes,
``kernels.document_walk`` walks tries; what they miss, ``automaton`` fills in and the step is taken again.

**Tried and dropped.** Escapes multiplied into pattern automata (thousands of states more; the kernel
decodes them instead). String lengths as states (a register, where every length between can be
completed; else the product). One kernel function per step inside walks: walks decide the common bytes in
their own loop (360 → 19 ns a node), and kernels pass arrays on without counting references. A uniform search for
witnesses of every verdict of large alternatives: exponential in the nesting, and its budget made it miss
verdicts, so valid documents were refused; now ``guided`` follows one aim at a time and ``judge`` tells which
verdicts the finished text has. Failures found while an outer search is open hang on it: they are kept as
long as it stays open, never longer (keeping none was 30 times slower on nested alternatives).

**Satisfiability** is asked three times, cheapest first: a glance at the keywords (``frontends.jsonschema.plain``), a
guessed value that ``judge`` confirms (``guess``), the search. Guessing took first masks of large unions from
600 ms to 6. Assertions that nothing to come can break are settled at once (``objects``), so that exclusive
alternatives fall together without a search.

**Where the time goes** (543 schemas of MaskBench, Llama-3.1 vocabulary, 34 µs a token on average): half of
it is tables filled in the middle of a text, when a name or value is met for the first time, at 0.3 ms
each in Python; a quarter are short walks with their fixed cost of 30 to 60 µs; warm masks and steps cost 3 µs.
Strings under automata take tokens from runs of the vocabulary (``masks.content_runs``). Tried without gain:
keeping what a value context allows apart from what its frame does after it (half the nodes, twice
the calls). Next: fill tables of likely names ahead, in compiled code.

**Known gaps.** ``format`` checks beyond the automaton (``xn--`` labels of host names, whether a text is a
regular expression) are not applied. In general objects, names that no schema keyword mentions may repeat (and then
count twice for ``minProperties``), and
``declared`` order is not kept. Products of many patterns, and ``multipleOf`` with millions of remainders, end
in ``LimitError``. A value whose verdicts on three or more goals must be combined in a way that is neither all,
one nor none of them may be missed where it stands in an object that no single aim completes.
"""
