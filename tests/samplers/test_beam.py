"""Beam search against all sequences written down; Mirostat's weights by enumeration."""

import numpy as np
import pytest

from structgen.errors import DeadEndError
from structgen.samplers.beam import Beam
from structgen.samplers.mirostat import Mirostat
from structgen.testing import exhaust
from tests.support.enumerable import Case, credited, random_case, toy


def test_a_wide_beam_finds_everything_in_order():
    for seed in range(30):
        case = random_case(900 + seed, max_tokens=3)
        samples = Beam(width=64).sample(case.model, constraint=case.mask, n=64, max_tokens=case.max_tokens)
        best = sorted(case.exact.items(), key=lambda item: -item[1])
        assert list(samples.token_ids) == [ids for ids, _ in best]
        assert np.exp(samples.log_probs) == pytest.approx([p for _, p in best], rel=3e-6)


def test_a_beam_of_one_is_greedy():
    case = toy(0.9)
    (text,) = Beam(width=1).sample(case.model, constraint=case.mask, max_tokens=6).texts
    assert text == "00000"


def test_evidence_is_a_lower_bound():
    case = toy()
    samples = Beam(width=8).sample(case.model, constraint=case.mask, n=8, max_tokens=6)
    assert samples.log_evidence == pytest.approx(np.log(8 / 32), abs=1e-6)


def test_groups_differ():
    case = toy(0.9)
    plain = Beam(width=2).sample(case.model, constraint=case.mask, n=2, max_tokens=6)
    diverse = Beam(width=2, groups=2, penalty=5.0).sample(case.model, constraint=case.mask, n=2, max_tokens=6)
    assert plain.texts[0] == diverse.texts[0] == "00000"
    assert diverse.texts[1][0] == "1"


def test_no_beam_ends():
    case = toy()
    nothing = Case("", case.model, frozenset({b"01"}), 6)
    with pytest.raises(DeadEndError):
        Beam(width=2).sample(case.model, constraint=nothing.ending, max_tokens=6)


@pytest.mark.parametrize(("width", "groups"), [(0, 1), (4, 3), (2, 0)])
def test_widths_that_make_no_sense(width, groups):
    with pytest.raises(ValueError, match="divide"):
        Beam(width=width, groups=groups)


def test_mirostat_is_proper_on_what_it_reaches():
    for seed in range(30):
        case = random_case(1000 + seed, max_tokens=3)
        runs = exhaust(
            lambda choices, case=case: Mirostat(target=0.6, rate=0.5).sample(
                case.model, constraint=case.mask, max_tokens=case.max_tokens, seed=choices
            )
        )
        found = credited(runs, lambda s: s)
        assert found
        for ids, mass in found.items():
            # with two ends, one of them may be cut
            assert mass <= case.exact[ids] * (1 + 3e-6)
            if len(case.model.vocabulary.eos_ids) == 1:
                assert mass == pytest.approx(case.exact[ids], rel=3e-6)


def test_mirostat_with_a_huge_target_is_masking():
    case = random_case(5, max_tokens=3)
    runs = exhaust(
        lambda choices: Mirostat(target=1e6).sample(
            case.model, constraint=case.mask, max_tokens=case.max_tokens, seed=choices
        )
    )
    assert credited(runs, lambda s: s) == pytest.approx(case.exact, rel=3e-6)
