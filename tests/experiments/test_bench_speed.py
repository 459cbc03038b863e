"""The measurement in miniature; how fast anything is, no test says."""

import csv

from experiments import bench_speed
from experiments.benchmarks import first_step


def test_every_number_is_measured_and_written(tmp_path, capsys):
    out = tmp_path / "speed.csv"
    words = ["--scenario", "tiny", "isp-hierarchy", "--batch", "2", "--seconds", "0.001", "--repeats", "1"]
    bench_speed.main([*words, "--training-steps", "1024", "--skip-first-step", "--out", str(out)])
    with out.open() as file:
        rows = list(csv.DictReader(file))
    speeds = [(r["what"], r["mode"]) for r in rows if r["of_cartpole"]]
    everyone = ("CartPole-v1", "tiny", "isp-hierarchy")
    assert speeds == [(what, mode) for what in everyone for mode in ("single", "batch of 2")]
    assert all(float(row["value"]) > 0.0 for row in rows)
    assert float(rows[0]["of_cartpole"]) == 1.0
    extras = {r["what"]: r["quantity"] for r in rows if "full info" in r["quantity"]}
    assert "mask" in extras["tiny"] and "mask" not in extras["isp-hierarchy"]
    assert next(r["value"] for r in rows if r["quantity"] == "request classes") == "2"
    shares = [float(r["value"]) for r in rows if r["quantity"].startswith("share of training")]
    assert len(shares) == 3 and 0.5 < sum(shares) <= 1.0
    assert "of a single CartPole" in capsys.readouterr().out


def test_the_rate_is_the_median_over_cpu_time(monkeypatch):
    # Each call of the clock is one tick; play() takes none. Repeat k plays k steps at a time.
    ticks, counts = iter(range(1000)), iter([9, *[1] * 2, *[5] * 2, *[3] * 2])
    monkeypatch.setattr(bench_speed.time, "process_time", lambda: next(ticks))
    assert bench_speed.rate(lambda: next(counts), seconds=3, repeats=3) == 2 * 3 / 4


def test_the_first_step_is_timed_in_processes_of_their_own(monkeypatch):
    seen = []

    class Done:
        stdout = "1.5 1.25\n"

    def run(command, env, **options):
        seen.append(env["NUMBA_CACHE_DIR"])
        compile(command[-1], "first step", "exec")
        return Done()

    monkeypatch.setattr(first_step.subprocess, "run", run)
    lines = bench_speed.first_steps("tiny")
    assert [line.value for line in lines] == [1.5, 1.25] * 2
    assert len(seen) == 2 and len(set(seen)) == 1
