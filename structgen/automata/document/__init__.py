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
satisfiability, viability and completion. ``kernels.document`` reads bytes and walks tries; what it
misses, ``automaton`` fills in and the step is taken again.

**Tried and dropped.** Escapes multiplied into pattern automata (thousands of states more; the kernel
decodes them instead). String lengths as states (a register, where every length between can be
completed; else the product). One kernel function per step inside walks: passing twenty arrays costs a
microsecond, so walks decide the common bytes in their own loop (360 → 19 ns a node). Asking every class
of names of a large alternative at once: exact, but 5 times slower overall; large shapes ask when a
name ends, so a mask may open a name there that cannot be ended.

**Where the time goes** (MaskBench sample, Llama-3.1 vocabulary): warm masks are copies; cold ones are walks of
50 to 2,000 µs, mostly in strings under patterns and length bounds, where states do not share masks yet;
slow compiles are nearly all ``witness`` searching general objects (large ``oneOf``/``anyOf`` of objects).
The searches do not remember results that depended on a context still open; fixing that and sharing masks
between pattern states are the next steps.

**Known gaps.** ``format`` checks beyond the automaton (``xn--`` labels of host names) are not applied.
Names that no schema keyword mentions may repeat within an object. Some recursive references under
``$recursiveRef`` with unevaluated properties end in ``LimitError``; 2^n alternatives of objects are slow.
``declared`` order is kept in plain objects only.
"""
