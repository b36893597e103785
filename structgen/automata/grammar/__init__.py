"""Machine B: a grammar as a byte automaton.

The problem: say which tokens may follow a text under a context-free grammar, in microseconds,
where a token may end one lexeme and hold several more.

- ``choose`` settles the parser: LALR(1) tables (``lalr``, DeRemer and Pennello 1982) where the
  grammar has no conflict, or none that shifting loses a text by (``exchanges``), else a nondeterministic
  LR parser on stacks that fork (``glr``).
- ``automaton`` moves threads, (stack cell, lexer state, ...), over bytes. Lexer states are made
  as they are met (``automata.lexer``, in compiled code). A lookahead waits in the state until
  the next byte settles it; only what a byte leaves open is guessed and watched.
- Stacks that no text tells apart are made one after each terminal (``kernels.alike_stacks``), so a
  list's third element has the masks of its second, and the operand of a product those of a sum.
- Masks are put together by ``masks.grammar_machine`` from parts that hold for every stack
  (``kernels.grammar_parts``): the lexer alone is walked over the trie, once per set of nodes and
  state, and the parser only over sets. A mask is remembered by the stack cells it read.
- ``collisions`` tells from terminals alone that lexemes do not get in each other's way; of other grammars ``prospects``
  and ``liveness`` tell dead ends.
- ``indent`` is Lark's indenter as registers; ``complete`` finds short completions; ``packed``
  is the file format of the cache.

GBNF has no lexemes; ``frontends.gbnf_terminals`` finds what is regular in it and makes that
terminals, whose lexemes may end wherever they match.

Tried and dropped: guessing lookaheads where they stand (each letter of a name spelled out
beside reserved words forked the lexer; the first text under the grammar of Python took six
times as long); walking the trie with the parser behind each end of a lexeme (2,084 nodes a
mask under a grammar like C's, where there are now 376 sets); subset construction in Python
(130 us a state); one terminal per character for GBNF (16 ms a mask); tables built in Python (a
third of the time until the first mask, now a tenth); places listed once per mask.

Measured with ``python -m tests.bench.grammars`` beside llguidance, which is as fast on a second
text as on a first: first texts of 300 to 400 tokens take 0.06 of its time a token on C-like text, 0.09 on SQL
and 0.30 on JSON, 0.19, 0.17 and 0.50 of it at p99, second texts 1.4 us, and first masks 1.07, 1.15 and
1.14 of its time. A fifth on JSON, a third at p99 there and first masks as early as llguidance's were aimed at
and are not reached:

- JSON, where llguidance has little to do: 0.2 of its time in the median. Of 374 masks 48 are new
  (30 of them differ; 93 were new before stacks were made one). What tokens do inside its strings and numbers is
  known beforehand (``masks.known_parts``); half of what is left are small parts behind them, some 1.2 us for each
  set of nodes, and of that half again calls that hand twenty arrays on. (Making LLVM splice these calls
  tripled the time to compile the kernels.) Nearly a third of the steps are new lexemes on new stacks, 3 us each.
- C-like at p99: the masks of the first five tokens, 1 to 2 ms each, where the parts of expressions are
  met; of the others each new one looks at 400 places, 0.6 us each.
- The first mask, 1.1 to 1.2 times llguidance's: half of it is reading the notation in Python,
  the rest tables, automaton and mask in like parts.
- First texts under the grammar of Python, 0.4 ms a token in the median and 10 to 25 ms at p99:
  states with many lookaheads (f-strings) are filled in Python, 1 to 5 ms each; four masks in five
  are new, since open blocks and the columns of lines are part of what a mask depends on.
- Grammars whose lexemes may collide (words told from single letters, comments that begin like values or end at
  what is no terminal everywhere, Lark's own grammar of grammars): ``prospects`` works out once what must be able to
  follow each terminal, and ``kernels.fates`` tells by lexer state where the stack alone decides; parts are taken
  whole there, and only what is left in doubt is asked of ``liveness``. On small grammars (the second form of the
  benchmark: make, calc, pascal): 0.2 to 0.4 of llguidance's time a token, where stepping through the trie with exact
  answers took 2 to 9 times as long as it; 1.1 to 1.9 on one with Unicode blanks (proto), whose first mask is 4 times as
  late, the others' 1.1 to 2.5. Threads under a condition that stays open
  (Lark's regular expressions, where ``re`` would step back) still walk the whole trie: 10 to 80 ms a mask.
- Conflicts: where ``exchanges`` proves that shifting loses nothing (dangling ``else``, operators
  without precedence) no stack forks by them, whatever other conflicts a grammar has. What is not proved
  (statements that nothing separates, as in Lua) is read on stacks that fork, in compiled code
  (``kernels.forked_stacks``); cells that stood for sets of stacks, worked out in Python, took four times as long on a
  grammar of Lua, which takes 0.5 to 0.9 of llguidance's time now. Most of what is left there are lexemes that each
  may be several terminals.
"""
