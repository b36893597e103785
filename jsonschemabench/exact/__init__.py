"""Are the masks right? Differences between engines, turned into proofs.

Two engines that disagree on a token cannot both be right, but which one is wrong takes a
witness: a whole document. So every valid instance is walked through all engines at once;
where a token is allowed by some and forbidden by others, an engine that allows it goes on
and finishes a document behind it. jsonschema, a validator that none of the engines uses,
judges the document:

- valid: the engines that forbade the token are proven to *over-constrain*;
- invalid: the engine that finished it is proven to *under-constrain*;
- not finished, or not decidable by that judge (formats it has no checker for, numbers that
  binary floating point rounds, patterns whose Python and ECMA-262 readings may differ):
  counted as undecided, never as a proof.

Beside that, documents whose verdict is known beforehand are tried directly: other
spellings of a valid instance (tokens split anew, keys in another order, escapes,
whitespace) must be accepted, broken ones (a raw tab in a string, a trailing comma) must
not; and random walks through an engine's own masks must not end where nothing is allowed.
"""
