"""What is shipped decides, where nothing but its two dependencies is installed."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import pytest
from loopback import Certificates, serve

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
import asyncio, smtplib
from tlspolicy import secure_streams
relaxed = []
with smtplib.SMTP("127.0.0.1", int(sys.argv[2]), local_hostname="sender.example") as client:
    session = secure(client, decision, SSLContexts(), mx="mx.example", on_relaxed=relaxed.append)
    assert client.noop()[0] == 250
async def stream():
    reader, writer = await asyncio.open_connection("127.0.0.1", int(sys.argv[2]))
    await reader.readline()
    options = {"mx": "mx.example", "local_hostname": "sender.example", "on_relaxed": relaxed.append}
    streamed = await secure_streams(reader, writer, decision, SSLContexts(), **options)
    writer.transport.abort()
    return streamed
assert asyncio.run(stream()) == session
assert (session.level, session.names, len(session.fingerprint)) == ("unverified TLS", None, 64)
assert [relaxation.certificate for relaxation in relaxed] == ["not examined"] * 2
try:
    TlsPolicy(allow_invalid_certs="matches('a', mx)")
except PolicySyntaxError as error:
    print(error.message)
import lark
from tlspolicy.expressions import parser
lark.__version__ = "another"
parser._rules_parser.cache_clear()
assert parser.parse_rules("[ { else = 1 } ]") == [{"else": 1}]
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


def test_the_wheel_decides_and_secures(wheel: Path, certificates: Certificates, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", wheel, cwd=tmp_path)
    policy = ROOT / "examples" / "policy.toml"
    with serve(certificates.self_signed("mx.example", tmp_path)) as server:
        output = run(python, "-I", "-c", PROGRAM, policy, str(server.port), cwd=tmp_path)
    assert output == "matches() needs the regex engine: pip install 'tlspolicy[regex]'\n"
    command = subprocess.run([environment / "bin" / "tlspolicy"], capture_output=True, text=True, check=False)
    message = "the command line needs rich, which is not installed: pip install 'tlspolicy[cli]'"
    assert (command.returncode, command.stdout, command.stderr) == (2, "", f"tlspolicy: {message}\n")
