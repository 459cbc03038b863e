"""10,000 fuzzed inputs end in one clear line or work; `python -m tests.fuzz KIND FIRST LAST` shows some."""

import pytest

from tests.fuzz.cases import KINDS, case, limited
from tests.fuzz.judge import fault

SHARE = {"configuration": 100, "file": 100, "action": 150, "command": 40}
"""Cases that every run of the suite tries."""

BLOCK, ALL = 250, 2500


def faults(kind, numbers):
    """What is wrong, by number of the case."""
    with limited():
        found = {}
        for index in numbers:
            what, run = case(kind, index)
            problem = fault(run)
            if problem:
                found[index] = f"{kind} {index}: {what[:500]}\n{problem}"
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_a_share_of_fuzzed_inputs_ends_well(kind):
    found = faults(kind, range(SHARE[kind]))
    assert not found, "\n".join(found.values())


@pytest.mark.long
@pytest.mark.parametrize("first", range(0, ALL, BLOCK))
@pytest.mark.parametrize("kind", KINDS)
def test_all_fuzzed_inputs_end_well(kind, first):
    found = faults(kind, range(first, first + BLOCK))
    assert not found, "\n".join(found.values())


def broken():
    raise KeyError("a traceback")


def endless():
    print("Traceback", flush=True)
    raise SystemExit("error: first\nerror: second")


@pytest.mark.parametrize("run", [broken, endless])
def test_the_judge_sees_what_ends_badly(run):
    assert fault(run)


def test_cases_are_the_same_every_time():
    for kind in KINDS:
        assert [case(kind, index)[0] for index in range(1, 20)] == [
            case(kind, index)[0] for index in range(1, 20)
        ]
