"""Machine B's tables: LALR(1) automata, stacks of a nondeterministic parser, indentation."""
