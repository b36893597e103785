"""Compiled loops: Numba only, arrays in, arrays out.

Kernels check nothing and allocate nothing inside their loops; the Python face one layer
up checks dtype, shape and range. Tables are NamedTuples of frozen arrays (``tables``),
and every kernel is declared with ``jit.kernel``, so that compilation is lazy, saved on
disk and free of the interpreter's lock. Nothing is imported here: reading a table's
definition must not cost an import of Numba.
"""
