"""The cases of the kit."""

import pytest

from msq_ref.conformance.case import Value
from msq_ref.conformance.cases import generate
from tests.conformance.backends import NAMES


@pytest.fixture(scope="module")
def quick():
    """Every quick case, by operation."""
    return {name: list(generate([name], "quick", 0)) for name in NAMES}


@pytest.fixture(scope="module")
def legal(quick):
    return {
        name: [case for case in cases if isinstance(case.expected, Value)]
        for name, cases in quick.items()
    }
