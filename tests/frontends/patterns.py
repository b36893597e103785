"""Random patterns that two engines should read alike."""

from __future__ import annotations

from hypothesis import strategies as st

__all__ = ["patterns"]

_FIXED = ["a", "b", "ab", "^a", r"\ba", r"(?=a)a", "a$", "^", r"a(?!b)", r"\b"]
_COUNTS = ["*", "+", "?", "{2}", "{1,3}", "{0,2}", "{2,}", "+?"]


def patterns(atoms: list[str], *, fixed_lookbehind: bool) -> st.SearchStrategy[str]:
    """Patterns made of ``atoms``; Python's ``re`` knows lookbehind of fixed width only."""

    def extend(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        behind = st.sampled_from(_FIXED) if fixed_lookbehind else inner
        return st.one_of(
            st.tuples(inner, inner).map("".join),
            st.tuples(inner, inner).map(lambda p: f"(?:{p[0]}|{p[1]})"),
            st.tuples(inner, st.sampled_from(_COUNTS)).map(lambda p: f"(?:{p[0]}){p[1]}"),
            st.tuples(st.sampled_from("=!"), inner).map(lambda p: f"(?{p[0]}{p[1]})"),
            st.tuples(st.sampled_from("=!"), behind).map(lambda p: f"(?<{p[0]}{p[1]})"),
        )

    return st.recursive(st.sampled_from(atoms), extend, max_leaves=7)
