from __future__ import annotations

import inspect

import pytest

import tlspolicy


def test_what_is_public_is_what_is_said_to_be() -> None:
    public = {
        name
        for name, value in vars(tlspolicy).items()
        if not name.startswith("_") and not inspect.ismodule(value) and name != "annotations"
    }
    assert sorted(public) == sorted(tlspolicy.__all__)
    assert tlspolicy.__all__ == sorted(tlspolicy.__all__)


@pytest.mark.parametrize("name", tlspolicy.__all__)
def test_what_is_public_is_documented(name: str) -> None:
    value = getattr(tlspolicy, name)
    documented = [value] if inspect.isclass(value) or inspect.isfunction(value) else []
    if inspect.isclass(value):
        documented += [
            member for key, member in vars(value).items() if inspect.isfunction(member) and not key.startswith("_")
        ]
    assert all(inspect.getdoc(each) for each in documented)
