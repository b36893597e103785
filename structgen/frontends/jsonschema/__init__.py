"""JSON Schema, drafts 4 to 2020-12, read into the formulas of :mod:`structgen.ir.formulas`.

``scan`` checks shapes and references of what can be reached, ``resources`` knows documents, identifiers and
the dynamic scope, ``build`` turns one place into a formula on demand, ``evaluated`` finds the siblings of
``unevaluated*``, ``plain`` sees at a glance that a subschema is satisfiable, and ``support`` is the table of keywords.
"""
