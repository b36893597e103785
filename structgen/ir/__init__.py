"""What front ends say to the automata: regular expressions over code points.

Every notation (Python's ``re``, ECMA-262, Lark terminals, JSON Schema formats) is read
into the few node types of :mod:`structgen.ir.regex`, and everything after that knows
only those. The representation speaks of code points, never of bytes: UTF-8 is the
business of :mod:`structgen.automata`.

Three decisions shape it. *Intersection and complement are nodes*, because JSON Schema's
``allOf``/``not``, lookarounds and grammars with exclusions all need them, and a front
end must not have to build automata. *There is a single assertion*, :class:`Look`, with
a direction and a sign: ``^`` is "no code point before", ``$`` "none after", ``\\b`` a
choice of four looks; so the compiler has one rule where other engines have a dozen.
*Constructors simplify*: ``concat``, ``alternate``, ``repeat`` and friends flatten, drop
neutral elements and merge character sets, so equal languages often become equal nodes
and memo tables hit; call them rather than the classes.
"""
