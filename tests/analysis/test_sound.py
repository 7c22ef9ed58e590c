"""What the analysis says is so, and it finds what there is: held to generated policies.

More of them are tried by `pytest tests/analysis/test_sound.py --hypothesis-profile=thorough`; and
`PYTHONPATH=tests python -c "import generated_policies as g, random; print(g.figures(random.Random(1), 1_000))"` prints how
many rules of 1,000 policies are dead, and how many of these the analysis finds.
"""

from __future__ import annotations

from random import Random

from generated_policies import checked, figures, policy, refuted
from hypothesis import given, settings
from hypothesis import strategies as st


@settings(max_examples=max(150, settings().max_examples))
@given(st.integers(0), st.booleans())
def test_nothing_that_is_said_is_refuted(seed: int, intricate: bool) -> None:  # noqa: FBT001  (Hypothesis draws it)
    random = Random(seed)  # noqa: S311  (no secret)
    each = checked(random, intricate=intricate)
    assert list(refuted(each, policy(random, intricate=intricate))) == []


def test_nearly_all_dead_rules_are_found() -> None:
    dead, found = figures(Random(), 150)  # noqa: S311  (no secret)
    assert dead > 50
    assert found >= 0.99 * dead
