"""What tests of the analysis make of policies: their rule lists as branches, and rule lists to try."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from spaces import conditions

from tlspolicy import TlsPolicy
from tlspolicy.analysis.branches import Branches, read
from tlspolicy.analysis.space import Space
from tlspolicy.expressions.printer import printed

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

_LEVELS = st.sampled_from(["require", "optional", "disable"])


def rules(*written: tuple[str, Any], default: Any = "require") -> list[dict[str, Any]]:
    """A rule list of conditions and results."""
    return [*[{"if": condition, "then": result} for condition, result in written], {"else": default}]


def lists_of(policy: TlsPolicy) -> tuple[Space, dict[str, Branches]]:
    """The space of a policy, and its rule lists in it by their names."""
    space = Space.of(partial(read, policy))
    return space, {each.name: each for each in read(policy, space.reader(), space.full)}


def branches_of(*written: tuple[str, Any], default: Any = "require", **others: Any) -> tuple[Space, Branches]:
    """Those of `starttls`."""
    space, lists = lists_of(TlsPolicy(starttls=rules(*written, default=default), **others))
    return space, lists["starttls"]


def rule_lists(*, pure: bool = False) -> SearchStrategy[list[tuple[str, str]]]:
    """Rules, of which there may be many on one variable."""
    texts = conditions(pure=pure, max_leaves=3).map(printed)
    chosen = st.builds("if_then({}, {}, {})".format, texts, _LEVELS, _LEVELS)
    equal = st.sampled_from("abc").map("mx == '{}'".format)
    many = st.lists(st.tuples(equal | texts, _LEVELS), min_size=8, max_size=9)
    return st.lists(st.tuples(texts, _LEVELS | chosen), max_size=4) | many
