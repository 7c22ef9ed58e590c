"""What the README shows of the command line is what is written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from command_line import Run, run_line

from tlspolicy.cli.main import COMMANDS

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
SECTION = README.partition("\n## On the command line\n")[2].partition("\n## ")[0]
BLOCKS = "".join(re.findall(r"^```console\n(.*?)^```", SECTION, re.DOTALL | re.MULTILINE))
SHOWN = [
    (line, output)
    for line, output in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", BLOCKS, re.MULTILINE)
    if "tlspolicy " in line
]

# The policy of the README, changed; and one as Stalwart's own manual has it.
CHANGED = {
    "strict": ("retry_num > 1", "retry_num > 4"),
    "typo": ("retry_num > 0", "retry_nun > 0"),
    "untidy": ("retry_num > 1 && last_error == 'tls'", "retry_num>1 & (last_error='tls')"),
}
SLIP = """\
[queue.strategy]
tls = [ { if = "retry_num > 0 && last_error == 'tls'", then = "'invalid-tls'" },
        { if = "retry_num > 1 && last_error == 'tls'", then = "'disable-tls'" },
        { else = "'default'" } ]

[queue.tls.default]
starttls = "require"

[queue.tls.invalid-tls]
starttls = "require"
allow-invalid-certs = true

[queue.tls.disable-tls]
starttls = "disable"
"""


@pytest.mark.parametrize(("line", "output"), SHOWN, ids=[line for line, _ in SHOWN])
def test_it_says_so(run: Run, folder: Path, line: str, output: str) -> None:
    (toml,) = re.findall(r"^```toml\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    (folder / "policy.toml").write_text(toml, encoding="utf-8")
    for name, (before, after) in CHANGED.items():
        (folder / f"{name}.toml").write_text(toml.replace(before, after), encoding="utf-8")
    (folder / "slip.toml").write_text(SLIP, encoding="utf-8")
    ran = run_line(run, line)
    assert (ran.out, ran.err) == (output, "")


def test_every_command_is_named() -> None:
    assert sorted(re.findall(r"^\| `tlspolicy (\w+) ", SECTION, re.MULTILINE)) == sorted(COMMANDS)


def test_the_picture_is_what_is_drawn(run: Run, folder: Path) -> None:
    example = Path(__file__).parents[2] / "examples" / "policy"
    assert run("table", str(example.with_suffix(".toml")), "--svg", "drawn.svg") == (0, "", "")
    assert (folder / "drawn.svg").read_bytes() == example.with_suffix(".svg").read_bytes()
