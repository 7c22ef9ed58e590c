"""Comparing two policies: every difference, with an attempt that shows it; or proof that there is none."""

from __future__ import annotations

from typing import Any

import pytest
from analysed import conditions

from tlspolicy import PolicyTypeError, TlsPolicy
from tlspolicy.analysis import compare

# An old policy, a new one, and the attempts for which they differ.
COMPARED = {
    "same": (TlsPolicy(starttls="optional"), TlsPolicy(starttls="optional"), []),
    "same-in-other-words": (
        TlsPolicy(starttls=conditions("retry_num > 1 && mx == 'a'")),
        TlsPolicy(starttls=conditions("!(mx != 'a' || retry_num < 2)")),
        [],
    ),
    "same-in-another-order": (
        TlsPolicy(starttls=conditions("mx == 'a'", "mx == 'b'")),
        TlsPolicy(starttls=conditions("contains(['b', 'a'], mx)")),
        [],
    ),
    "same-in-two-lists": (
        TlsPolicy(allow_invalid_certs="retry_num > 1"),
        TlsPolicy(allow_invalid_certs=conditions("retry_num >= 2", then="true", otherwise="false")),
        [],
    ),
    "same-unknown-condition": (
        TlsPolicy(starttls=conditions("hash(mx, 'md5') == 'x'")),
        TlsPolicy(starttls=conditions("!(hash(mx, 'md5') == 'x')", then="require", otherwise="optional")),
        [],
    ),
    "same-computed": (TlsPolicy(tls_timeout="60000 + retry_num"), TlsPolicy(tls_timeout="60000  +  retry_num"), []),
    "later": (
        TlsPolicy(starttls=conditions("retry_num > 1")),
        TlsPolicy(starttls=conditions("retry_num > 2")),
        ["retry_num = 2"],
    ),
    "for-more": (
        TlsPolicy(starttls=conditions("ends_with(mx, '.a')")),
        TlsPolicy(starttls=conditions("ends_with(mx, '.a') || mx == 'a'")),
        ["mx = 'a'"],
    ),
    "always": (TlsPolicy(), TlsPolicy(tls_timeout="5m"), ["always"]),
    "another-setting": (
        TlsPolicy(dane="require"),
        TlsPolicy(dane=conditions("mx == 'a'", then="disable", otherwise="require")),
        ["mx = 'a'"],
    ),
}


@pytest.mark.parametrize(("old", "new", "differences"), COMPARED.values(), ids=COMPARED)
def test_compares(old: TlsPolicy, new: TlsPolicy, differences: list[str]) -> None:
    comparison = compare(old, new)
    assert [str(each) for each in comparison.differences] == differences
    assert (comparison.undecided, comparison.equal) == ((), not differences)
    for each in comparison.differences:
        assert (old.evaluate(each.context), new.evaluate(each.context)) == (each.old, each.new)
        assert each.old != each.new
    assert len(compare(new, old).differences) == len(differences)


def test_a_strategy_equals_the_settings_that_it_stands_for() -> None:
    by_name = TlsPolicy.loads(
        """
        [queue.strategy]
        tls = [ { if = "retry_num > 0", then = "'b'" }, { else = "'a'" } ]
        [queue.tls.a]
        starttls = "require"
        [queue.tls.b]
        starttls = "optional"
        """
    )
    assert compare(by_name, TlsPolicy(starttls=conditions("retry_num > 0"), mta_sts_timeout="5m")).equal
    assert str(compare(by_name, TlsPolicy(mta_sts_timeout="5m"))) == "retry_num ≥ 1"


def test_what_depends_on_functions_of_the_caller() -> None:
    policies = [
        TlsPolicy(starttls=conditions(each), functions={"is_local_domain": pytest.fail})
        for each in ("is_local_domain(mx)", "is_local_domain(mx) && retry_num > 1")
    ]
    comparison = compare(*policies)
    assert (comparison.differences, comparison.equal) == ((), False)
    assert str(comparison).startswith("it is not known whether they differ where ")


def test_computed_results_that_may_differ() -> None:
    comparison = compare(TlsPolicy(tls_timeout="60000 + retry_num"), TlsPolicy(tls_timeout="60001 + retry_num"))
    assert not comparison.equal


def test_many_differences() -> None:
    tried = [f"mx == 'mx{number}.example' && retry_num == {number}" for number in range(101)]
    comparison = compare(TlsPolicy(), TlsPolicy(starttls=conditions(*tried)))
    assert len(comparison.differences) == 100
    assert [str(each) for each in comparison.undecided] == ["there are more than 100 differences"]


def test_more_rules_than_are_looked_at() -> None:
    large = TlsPolicy(starttls=conditions(*["mx == 'a'"] * 2_001))
    for comparison in (compare(large, TlsPolicy()), compare(TlsPolicy(), large)):
        assert not comparison.equal
        assert [str(each) for each in comparison.undecided] == ["more than 2000 rules: they were not looked at"]


def test_rules_too_intricate() -> None:
    tried = " && ".join(f"(retry_num * {each} > size || queue_age * {each} > size)" for each in range(2, 40))
    comparison = compare(TlsPolicy(), TlsPolicy(starttls=conditions(f"{tried} && retry_num > queue_age")))
    assert not comparison.equal


@pytest.mark.parametrize("policies", [(TlsPolicy(), "require"), (None, TlsPolicy())], ids=["new", "old"])
def test_what_is_refused(policies: tuple[Any, Any]) -> None:
    with pytest.raises(PolicyTypeError, match=r"a policy must be a TlsPolicy, not (str|NoneType)"):
        compare(*policies)


def test_results_that_functions_of_the_caller_give() -> None:
    old, new = (
        TlsPolicy(starttls="key_get('levels', mx)", tls_timeout=timeout, functions={"key_get": pytest.fail})
        for timeout in ("1m", "60s")
    )
    comparison = compare(old, new)
    assert (comparison.differences, comparison.equal) == ((), False)


def test_a_strategy_whose_name_is_computed() -> None:
    document = """
        queue.strategy.tls = [ { if = "queue_name == 'x'", then = "queue_name" }, { else = "'default'" } ]
        queue.tls.default.starttls = "require"
        queue.tls.x.starttls = "optional"
    """
    computed = TlsPolicy.loads(document)
    plain = TlsPolicy.loads(document.replace('{ if = "queue_name == \'x\'", then = "queue_name" }, ', ""))
    for other in (plain, TlsPolicy()):
        assert not compare(computed, other).equal
        assert not compare(other, computed).equal
    assert compare(computed, computed).equal
