"""What the README shows works, and what it quotes is what is said."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

import tlspolicy
from tlspolicy import DeliveryContext, Level, PolicySyntaxError, Relaxation, Requirement, SSLContexts, TlsPolicy
from tlspolicy.analysis import CODES
from tlspolicy.expressions.functions import FUNCTIONS, PROVIDED

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
(TOML,) = re.findall(r"^```toml\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
PYTHON = re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def test_the_policy_is_that_of_the_example() -> None:
    example = Path(__file__).parents[1] / "examples" / "policy.toml"
    assert TlsPolicy.loads(TOML) == TlsPolicy.load(example)


@pytest.mark.parametrize("code", [code for code in PYTHON if "smtplib" not in code])
def test_code(code: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("policy.toml").write_text(TOML, encoding="utf-8")
    names: dict[str, Any] = {name: getattr(tlspolicy, name) for name in tlspolicy.__all__} | {"time": time}
    names |= {"policy": TlsPolicy.loads(TOML), "contexts": SSLContexts(), "decision": tlspolicy.TlsDecision()}
    exec(code, names)  # noqa: S102  (our own)
    if "print(policy.explain" in code:
        assert f"```\n{capsys.readouterr().out}```\n" in README
    if "bank.example" in code:
        assert names["policy"].evaluate(DeliveryContext(mx="mx1.bank.example")).starttls is Requirement.REQUIRE
    for name in [name for name in names if name.startswith("test_")]:
        names[name]()
        assert names["policy"].rules[0].tried
    if "rules.evaluate" in code:
        assert names["rules"].evaluate({"listener": "smtp", "connections": 200}) == -1


def test_the_code_for_smtplib_is_whole() -> None:
    compile(next(code for code in PYTHON if "smtplib" in code), "README.md", "exec")


def test_the_error() -> None:
    quoted = re.findall(r"^```\n(policy\.toml:.*?)\n```", README, re.DOTALL | re.MULTILINE)[0]
    with pytest.raises(PolicySyntaxError) as raised:
        TlsPolicy.loads(TOML.replace("retry_num > 0", "retry_nun > 0"))
    assert quoted.split(": ", 1)[1] == str(raised.value)


def test_the_warning() -> None:
    relaxation = Relaxation("mx1.example.org", Level.UNVERIFIED, "allow-invalid-certs", 0, "certificate-expired")
    assert f"```\n{relaxation}\n```" in README


def test_what_rules_may_name_is_there() -> None:
    (paragraph,) = re.findall(r"^Rules may name (.*?)\n\n", README, re.DOTALL | re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", paragraph)) <= {*FUNCTIONS, *tlspolicy.DELIVERY.variables}


def test_every_function_that_asks_the_world_is_named() -> None:
    assert [name for name in PROVIDED if f"`{name}`" not in README] == []


DIFFERENCES = ["last_error='tls'", "retry_num\t==\t1", "[-1, !-5, --1] == [-1, 0, 1]", "'abc'[0] == 'abc'"]


@pytest.mark.parametrize("text", DIFFERENCES)
def test_what_stalwart_misreads(text: str) -> None:
    policy = TlsPolicy(allow_invalid_certs=text)
    assert policy.evaluate(DeliveryContext(last_error="tls", retry_num=1)).allow_invalid_certs


def test_what_is_left_out_is_strict() -> None:
    decision = TlsPolicy.loads("[queue.outbound.tls]").evaluate(DeliveryContext(retry_num=5, last_error="tls"))
    assert (decision.starttls, decision.allow_invalid_certs) == (Requirement.REQUIRE, False)


def test_the_source_of_the_policy_is_what_is_shown() -> None:
    assert f"```\n{TlsPolicy.loads(TOML).source}```\n" in README


def test_the_picture_is_there() -> None:
    pictures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", README)
    assert pictures
    assert all((ROOT / picture).is_file() for picture in pictures)


def test_every_code_of_a_finding_is_told() -> None:
    assert "".join(f"| `{code}` | {words} |\n" for code, words in CODES.items()) in README


def test_what_analysis_prints(capsys: pytest.CaptureFixture[str]) -> None:
    code = next(code for code in PYTHON if "ways_to" in code)
    exec(code, {"policy": TlsPolicy.loads(TOML), "TlsPolicy": TlsPolicy})  # noqa: S102  (our own)
    said = [line.partition("  # ")[2].partition(":")[0] for line in code.splitlines() if "print(" in line]
    assert capsys.readouterr().out.splitlines() == said[1:]
