"""From expressions over code points to deterministic automata over bytes.

The problem: a mask needs, at every byte, to know which bytes can still lead to a valid text, in a
time that does not depend on the constraint. A deterministic automaton whose every state can reach
acceptance answers with one table look-up. Byte automata, because tokens are bytes and may cut a character
in two; UTF-8 is compiled into the automaton (``utf8``), so what is not UTF-8 is never viable.

The way there::

    ir.regex -> looks resolved (looks, derivatives) -> NFA program (nfa, utf8) -> subsets -> minimal Dfa
                                                     ops: products, complement, strings -> minimal Dfa

- ``compile``: the entrance, ``compile_regex(node) -> Dfa``.
- ``looks``: anchors, word boundaries, lookaround as intersections and complements; ``derivatives``: the
  exact method for the rest.
- ``nfa``: Thompson's construction (CACM 1968) as a program for a kernel, then subsets (Rabin and Scott 1959),
  then Hopcroft's minimisation in Valmari's form; ``dfa`` holds the result, ``ops`` combines results.
- ``limits``: every budget. All that can blow up ends in ``LimitError``, never in a hang.

Everything is compiled eagerly. Lazy determinisation, as in RE2, was considered: it wins where most states
are never seen, but masks need to know which states can reach acceptance (no dead ends), and that takes the
whole automaton. Patterns in schemas are small (median 20 states over 1,445 patterns of MaskBench, compiled in
about 150 microseconds), so eager costs little, and the few giants run into a limit either way.

Dropped on the way: tracking unanchored matches after the first one is found (a search's tail now absorbs its
state set; the search for a URI with an IPv6 host went from 111 to under 5 ms); sorted state sets; Moore's
refinement. Not tried: subsumption between the sets of a counted repetition, which would keep patterns such as
``(.{1,63}\\.){1,127}`` from exploding; they end in a limit today.
"""
