"""The examples do what they promise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_retry_ladder() -> None:
    ran = subprocess.run(
        [sys.executable, "-W", "error", EXAMPLES / "retry_ladder.py"], capture_output=True, text=True, check=False
    )
    lines = [line.split() for line in ran.stdout.splitlines()]
    delivered = {line[0]: (line[1], line[line.index("delivered") + 1]) for line in lines if "delivered" in line}
    assert delivered == {
        "good.example": ("0", "verified"),
        "self-signed.example": ("1", "unverified"),
        "expired.example": ("1", "unverified"),
        "wrong-name.example": ("1", "unverified"),
        "no-starttls.example": ("2", "clear"),
        "tls-1-0.example": ("2", "clear"),
    }
    assert (ran.returncode, ran.stderr) == (0, "")
