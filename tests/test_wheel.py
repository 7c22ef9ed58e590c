"""What is shipped decides, where nothing but its two dependencies is installed."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROGRAM = """
import importlib.util, sys
from pathlib import Path
import tlspolicy
from tlspolicy import DeliveryContext, PolicySyntaxError, RuleList, SSLContexts, TlsPolicy, DELIVERY, secure

assert Path(tlspolicy.__file__).is_relative_to(sys.prefix), tlspolicy.__file__
assert importlib.util.find_spec("rurex") is None
policy = TlsPolicy.load(sys.argv[1])
decision = policy.evaluate(DeliveryContext(retry_num=1, last_error="tls"))
assert decision.allow_invalid_certs and SSLContexts().get(decision)
assert RuleList.parse("[ { else = 'retry_num + 1' } ]", DELIVERY).evaluate(DeliveryContext()) == 1
from tlspolicy.expressions.functions import FUNCTIONS
for name, function in FUNCTIONS.items():
    if name != "matches":
        call = f"{name}({', '.join(['mx'] * function.arity[0])})"
        RuleList.parse(f'[ {{ if = "{call}", then = 1 }}, {{ else = 2 }} ]', DELIVERY).explain(DeliveryContext(mx="a"))
try:
    TlsPolicy(allow_invalid_certs="matches('a', mx)")
except PolicySyntaxError as error:
    print(error.message)
"""


def run(*command: str | Path, cwd: Path) -> str:
    ran = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel, built from a source distribution."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    return next(folder.glob("*.whl"))


def test_the_wheel_decides(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", wheel, cwd=tmp_path)
    output = run(python, "-I", "-W", "error", "-c", PROGRAM, ROOT / "examples" / "policy.toml", cwd=tmp_path)
    assert output == "matches() needs the regex engine: pip install 'tlspolicy[regex]'\n"
