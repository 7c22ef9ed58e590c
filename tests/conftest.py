from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from loopback import Certificates

from tlspolicy import SSLContexts

# The machine may be slow, and is not what these tests are about; and in CI, too, every run tries something new.
settings.register_profile("tests", deadline=None, derandomize=False)
settings.register_profile("thorough", max_examples=50_000, deadline=None, suppress_health_check=list(HealthCheck))
settings.load_profile("tests")


@pytest.fixture(scope="session")
def certificates() -> Certificates:
    return Certificates()


@pytest.fixture(scope="session")
def contexts(certificates: Certificates) -> SSLContexts:
    """Contexts that trust the authority of `certificates` alone."""
    return SSLContexts(cadata=certificates.authority)
