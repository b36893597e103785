"""JSON under a schema: a lazily built pushdown automaton over bytes.

**The problem.** A schema is a boolean formula over assertions, with recursion. Engines that turn
it into a grammar give up on ``not``, ``oneOf``, ``if``, counts and unevaluated properties. JSON's brackets,
however, say when to push and pop, and visibly pushdown languages are closed under all
boolean operations (Alur and Madhusudan 2004), so the formula can be run as it is.

**The machine.** ``contexts``: what is asked of one value, one goal that must hold or several whose verdicts the parent
wants; ``asserted`` reads off a conjunction what it says of each type. ``objects`` and ``arrays``: open containers as
frames; *plain* ones (a conjunction) are stepped by the kernel with registers, *general* ones (``general_objects``) are
interned residual formulas whose steps are computed once and hashed. ``strings``, ``numbers``, ``labelled``: byte
automata of scalars, kept in the process-wide ``arena``. ``keys``: classes of property names. ``witness``: shortest
texts, which decide satisfiability, viability and completion. ``kernels.document`` reads bytes,
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
600 ms to 6; opening a general object on a guessed value, and completing an open one by guessed members, took the
slowest mask of MaskBench from 2.2 s to 2 ms. Objects of more than 62 names are general, but as long as they are plain
conjunctions nothing ties one name to another, so what they require is looked up. Assertions that nothing to come can
break are settled at once (``object_states``), so that exclusive alternatives fall together without a search. What all
alternatives ask of a value must hold, what none can save is given up at the name, and what is left is plain as soon as
it is a conjunction: of the masks whose innermost container is general, 2,334 on MaskBench's sample became 650.

**Where the time goes** (first texts of MaskBench's schemas, Llama-3.1 vocabulary): three of four masks equal an
earlier one of the same schema, and of the others half one of another schema. So places share masks by what tokens can
tell of the open containers (``masks.document_sharing``), and schemas share them by what values read
(``masks.signatures``, ``masks.shared_rows``), and references to one definition lead to one context: on a third of the
sample 4,100 masks are computed instead of 11,200, and 24 first masks instead of 181. Of what is left, two fifths are
masks computed; a sixth is filling tables in Python, when a value is met for the first time (0.03 ms; 0.1 to 0.3 for
bounds of numbers, which ``number_bounds`` writes down state by state, unless they are warmed up as usual; 0.1 to 7 for
a new pattern, the most where words are counted, and half of that is minimising), and half of that sixth is building
formulas of schemas; a seventh first steps, three in five of them told without the kernel
(``masks.plain_steps``); a seventh keys. Inside a name, the value under it is asked about only where a token goes on
into it (four texts of the Llama vocabulary do): a tenth of the masks less, and fewer values filled. Warm masks and
steps cost 2 to 3 us. Tried without gain: keeping what a value context allows apart from what its frame does after it
(half the nodes, twice the calls); not to remember steps that lead nowhere (telling them again costs more than to look
them up). Strings in arrays that compare their items are read as in arrays that do not, and held against those that
have come where they might equal one (``comparing``, ``masks.compared_items``; as goals they took 7 ms a mask). Next:
objects of more than 62 names are stepped in Python (a third of a millisecond a name); names that are tied to one
another (one of some must come, one asks for another) as registers, too.

**Not regular**, and so read with the text at hand (``keeping``): items that must differ, undeclared names that are
counted or behind whose values something was decided, formats with a judge (``judged``), divisors with too many
remainders (``judged_numbers``). Masks there are the automaton's, corrected token by token (``masks.kept_masks``);
beginnings of host names are read by rules in compiled code (``hosts``), so that none is a dead end.

**Known gaps.** In general objects, and in values on which their alternatives hang, ``declared`` order is not kept.
Large divisors among alternatives, and patterns whose automata are large themselves, end in ``LimitError``. Arrays
that compare their items make a frame and a context per value that is read, and keep them; searching makes none
(``distinct``).
A value whose verdicts on three or more goals must be combined in a way that is neither all,
one nor none of them may be missed where it stands in an object that no single aim completes.
"""
