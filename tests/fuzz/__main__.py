"""Try fuzzed inputs by number and print what is wrong: ``python -m tests.fuzz configuration 0 100``."""

from __future__ import annotations

import sys
import time

from tests.fuzz.cases import KINDS, case, limited
from tests.fuzz.judge import fault


def main():
    kind, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    wrong, slowest, begun = 0, (0.0, first), time.process_time()
    with limited():
        for index in range(first, last):
            start = time.process_time()
            what, run = case(kind, index)
            found = fault(run)
            slowest = max(slowest, (time.process_time() - start, index))
            if found:
                wrong += 1
                print(f"{kind} {index}: {what[:1500]}\n{found}\n", flush=True)
    seconds = time.process_time() - begun
    print(
        f"{wrong} of {last - first} are wrong, in {seconds:.0f} s; {slowest[0]:.1f} s for number {slowest[1]}"
    )


if __name__ == "__main__":
    assert sys.argv[1:2] and sys.argv[1] in KINDS, f"the kinds are {', '.join(KINDS)}"
    main()
