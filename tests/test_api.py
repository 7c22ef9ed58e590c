from __future__ import annotations

import inspect
import sys
from subprocess import run

import pytest

import tlspolicy


def test_what_is_public_is_what_is_said_to_be() -> None:
    public = {
        name
        for name, value in vars(tlspolicy).items()
        if not name.startswith("_") and not inspect.ismodule(value) and name not in ("TYPE_CHECKING", "import_module")
    }
    assert public <= {*tlspolicy.__all__}
    assert [*tlspolicy.__dir__()] == tlspolicy.__all__
    assert all(hasattr(tlspolicy, name) for name in tlspolicy.__all__)
    kinds = sorted(tlspolicy.__all__, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
    assert tlspolicy.__all__ == kinds  # constants, classes, functions


@pytest.mark.parametrize("name", tlspolicy.__all__)
def test_what_is_public_is_documented(name: str) -> None:
    value = getattr(tlspolicy, name)
    documented = [value] if inspect.isclass(value) or inspect.isfunction(value) else []
    if inspect.isclass(value):
        documented += [
            member for key, member in vars(value).items() if inspect.isfunction(member) and not key.startswith("_")
        ]
    assert all(inspect.getdoc(each) for each in documented)


def test_what_is_not_there_is_said_as_of_any_module() -> None:
    with pytest.raises(AttributeError, match="module 'tlspolicy' has no attribute 'secured'"):
        _ = tlspolicy.secured


def test_to_decide_imports_nothing_that_only_sessions_want() -> None:
    code = "import sys, tlspolicy; tlspolicy.TlsPolicy(); print(*sys.modules)"
    modules = run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert {"asyncio", "smtplib"}.isdisjoint(modules)
