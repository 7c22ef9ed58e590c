"""What a policy can and can't do, for every attempt there may be: found before it meets mail."""

from tlspolicy.analysis.analysing import analyse
from tlspolicy.analysis.comparison import compare
from tlspolicy.analysis.findings import (
    CODES,
    Comparison,
    Difference,
    Finding,
    Findings,
    Severity,
    Undecided,
    Way,
    Ways,
)
from tlspolicy.analysis.ways import ways_to

__all__ = [
    "CODES",
    "Comparison",
    "Difference",
    "Finding",
    "Findings",
    "Severity",
    "Undecided",
    "Way",
    "Ways",
    "analyse",
    "compare",
    "ways_to",
]
