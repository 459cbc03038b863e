"""Every mutant still finds what it breaks, so that a change of the code says so before the mutants run."""

from tests.mutants import ROOT, read_mutants


def test_mutants_break_one_place_each_and_name_tests_that_are_there():
    for mutant in read_mutants([]):
        for test in mutant["tests"]:
            file, *names = test.split("[")[0].split("::")
            text = (ROOT / file).read_text(encoding="utf-8")
            assert all(f"def {name}(" in text for name in names), mutant["id"]
