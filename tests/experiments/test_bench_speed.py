"""The measurement in miniature; how fast anything is, no test says."""

import csv
import json
import math

import pytest

from experiments import bench_speed
from experiments.benchmarks import device_rows, first_step, stored_ratios, tree_rows, versions, worker
from experiments.benchmarks.bench import CARTPOLE, Bench, BenchWork, Entrant, Rates
from experiments.benchmarks.every_row import every_row
from experiments.benchmarks.measured import BenchNumber, MeasuredRow, short_number, tables_as_text
from experiments.benchmarks.processes import LimitError, VersionProcess, WorkError
from experiments.benchmarks.rows import choose_rows
from experiments.benchmarks.speed_rows import bench_file, transfers
from experiments.benchmarks.training_shares import training_shares
from idn_gym.config_reader import ConfigError
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.presets import load_scenario

OLD_PRESETS = {"tiny", "edge-small", "fashion-edge", "isp-hierarchy", "metro-split"}


@pytest.fixture
def twice(monkeypatch):
    """The working tree plays version 0.1, which needs no other checkout."""
    monkeypatch.setattr(
        bench_speed, "version_01", lambda python, out: versions.working_tree()._replace(name="0.1")
    )


def test_rows_are_measured_printed_and_written(tmp_path, capsys, twice):
    words = ["--only", "steps: tiny", "mask of placement", "--seconds", "0", "--repeats", "1"]
    bench_speed.main([*words, "--out", str(tmp_path)])
    said = capsys.readouterr().out
    assert "now / 0.1" in said and "(>= 0.35)" in said and "measured" in said
    with (tmp_path / "speed.csv").open() as file:
        numbers = list(csv.DictReader(file))
    assert {number["row"] for number in numbers} >= {"tiny, single"}
    assert all(float(number["value"]) > 0.0 for number in numbers if number["group"] == "steps")
    plain = json.loads((tmp_path / "speed.json").read_text())
    assert len(plain["numbers"]) == len(numbers) and plain["commit"]
    assert "tiny, single" in (tmp_path / "speed.txt").read_text()


def test_what_fell_is_named_and_ends_the_command_with_1(tmp_path, capsys, monkeypatch):
    path = tmp_path / "ratios.json"
    monkeypatch.setattr(bench_speed, "read_ratios", lambda: stored_ratios.read_ratios(path))
    monkeypatch.setattr(bench_speed, "store_ratios", lambda *given: stored_ratios.store_ratios(*given, path))
    found = iter([2.0, 1.7, 1.5])
    row = choose_rows(every_row(), ["steps: tiny"])[0]
    monkeypatch.setattr(
        bench_speed,
        "every_row",
        lambda: [row._replace(measure=lambda bench: [BenchNumber("now / 0.1", next(found), "higher")])],
    )
    words = ["--out", str(tmp_path)]
    bench_speed.main([*words, "--store"])
    bench_speed.main([*words, "--check"])
    with pytest.raises(SystemExit) as stop:
        bench_speed.main([*words, "--check"])
    assert stop.value.code == 1
    assert "fell: steps: tiny, single: now / 0.1: 2 before, 1.5 now" in capsys.readouterr().out


def test_ratios_fall_either_way_and_are_kept_beside_each_other(tmp_path):
    path = tmp_path / "ratios.json"

    def rows(speed, share):
        numbers = [
            BenchNumber("ratio", speed, "higher"),
            BenchNumber("share", share, "lower"),
            BenchNumber("s", 3.0),
        ]
        return [MeasuredRow("one", "row", [*numbers, BenchNumber("late", math.nan, "lower")])]

    with pytest.raises(ConfigError, match=r"^check: ratios.json cannot be read .*--store"):
        stored_ratios.read_ratios(path)
    assert stored_ratios.store_ratios(rows(2.0, 0.4), "abc", path) == 2
    other = [MeasuredRow("other", "row", [BenchNumber("ratio", 1.0, "higher")])]
    assert stored_ratios.store_ratios(other, "abd", path) == 1
    stored = stored_ratios.read_ratios(path)
    assert stored == {"one: row: ratio": 2.0, "one: row: share": 0.4, "other: row: ratio": 1.0}
    assert stored_ratios.fallen(rows(1.61, 0.49), stored) == []
    assert [fall.name for fall in stored_ratios.fallen(rows(1.59, 0.51), stored)] == list(stored)[:2]
    assert stored_ratios.fallen(rows(9.0, 0.0), stored) == []


def test_the_ratios_that_are_stored_are_of_rows_that_there_are():
    names = {f"{row.group}: {row.name}" for row in every_row()}
    stored = stored_ratios.read_ratios()
    assert stored and {name.rpartition(": ")[0] for name in stored} <= names


def test_what_is_compared_with_version_01_is_a_scenario_of_version_01():
    compared = [row for row in every_row() if row.group in ("steps", "codecs", "observations", "resets")]
    names = {row.name.partition(",")[0] for row in compared}
    assert "tiny" in names and all(bench_file(name).exists() for name in names)


def test_rows_have_names_of_their_own_and_stand_by_table():
    rows = every_row()
    assert len({row[:2] for row in rows}) == len(rows)
    groups = [row.group for row in rows]
    assert groups == sorted(groups, key=list(dict.fromkeys(groups)).index)
    assert groups[0] == "steps" and choose_rows(rows, []) == rows
    assert {row.group for row in choose_rows(rows, ["limits*PPO", "making"])} == {"limits", "making"}
    with pytest.raises(ConfigError, match=r"^only: 'no such' matches no row; tables: steps, making, limits"):
        choose_rows(rows, ["tiny", "no such"])


def test_play_counts_what_turns_take_and_ends_with_an_episode(monkeypatch):
    # The clock moves inside turns alone, one second a step; what is done before them does not count.
    clock, ends = [0.0], iter([False, False, False, True, True])

    def turn():
        clock[0] += 2.0
        return 2, next(ends)

    monkeypatch.setattr(worker.time, "process_time", lambda: clock[0])
    assert worker.play(lambda: None, turn, 3.0) == {"done": 8, "spent": 8.0}
    assert worker.play(lambda: None, turn, 0.0) == {"done": 2, "spent": 2.0}


def test_play_does_not_wait_for_an_end_that_is_far(monkeypatch):
    clock = [0.0]

    def turn():
        clock[0] += 1.0
        return 1, False

    monkeypatch.setattr(worker.time, "process_time", lambda: clock[0])
    assert worker.play(lambda: None, turn, 2.0)["spent"] == worker.LONGEST * 2.0


def test_ratios_are_those_of_plays_next_to_each_other():
    rates = Rates({"now": [2.0, 4.0, 9.0], "0.1": [1.0, 8.0, 3.0]})
    assert rates.of("now") == 4.0 and rates.ratio("now", "0.1") == 2.0


def test_a_row_is_judged_by_all_its_targets():
    numbers = [
        BenchNumber("a", 2.0, "higher", 2.0),
        BenchNumber("b", 0.5, "lower", 0.4),
        BenchNumber("c", 12345.6),
    ]
    assert MeasuredRow("t", "x", numbers[:1]).verdict == "reached"
    assert MeasuredRow("t", "x", numbers).verdict == "missed"
    assert MeasuredRow("t", "x", numbers[2:]).verdict == ""
    assert MeasuredRow("t", "x", [BenchNumber("a", math.nan, "lower", 3.0)]).verdict == "missed"
    text = tables_as_text(
        [MeasuredRow("t", "x", numbers), MeasuredRow("u", "y", [BenchNumber("d", math.nan)])]
    )
    assert text.split() == "t a b c verdict x 2.00 (>= 2) 0.500 (<= 0.4) 12,300 missed u d y not done".split()


@pytest.mark.parametrize(
    "value, text", [(0.0, "0"), (0.01234, "0.0123"), (9.996, "10.0"), (157321.0, "157,000")]
)
def test_numbers_have_three_digits(value, text):
    assert short_number(value) == text


def test_processes_answer_fail_and_are_ended():
    process = VersionProcess(versions.working_tree())
    try:
        with pytest.raises(WorkError, match=r"version now: .*`Nothing`"):
            process.ask(do="set up", name="a", work=BenchWork(env="Nothing-v0")._asdict())
        process.ask(do="set up", name="a", work=CARTPOLE._asdict())
        assert process.ask(do="play", name="a", seconds=0.01)["done"] >= worker.TURN
        with pytest.raises(LimitError, match=r"not done in 0\.2 s"):
            process.ask(0.2, do="play", name="a", seconds=60.0)
        with pytest.raises(WorkError, match="the process ended"):
            process.ask(do="drop")
    finally:
        process.close()


def test_entrants_play_in_turn(monkeypatch):
    asked = []
    bench = Bench({}, seconds=1.0, repeats=2, limit=1.0)

    def ask(version, limit=None, **message):
        asked.append((version, message["do"], message.get("name")))
        return {"done": len(asked), "spent": 1.0, "memory": 2.0 * len(asked)}

    monkeypatch.setattr(bench, "_ask", ask)
    rates = bench.rates({"a": Entrant("0.1", CARTPOLE), "b": Entrant("now", CARTPOLE)})
    assert [name for _, do, name in asked if do == "play"] == ["a", "b"] * 3
    assert rates.plays == {"a": [5, 7], "b": [6, 8]} and rates.memory == 16.0
    assert asked[-2:] != asked[:2] and {do for _, do, _ in asked[-2:]} == {"drop"}


@pytest.mark.parametrize("size", [0, 2])
@pytest.mark.parametrize("kind", ["steps", "masks", "resets", "make", "slots"])
def test_every_kind_of_work_is_played(kind, size):
    if (kind, size) in {("masks", 2), ("slots", 0)}:
        pytest.skip("masks are asked of single environments, slots played by batches")
    options = {"scenario": "tiny", "action": "change", "overrides": {"horizon": 20}}
    before, turn = worker.set_up(BenchWork(kind, size=size, options=options)._asdict())
    done = []
    for _ in range(4):
        before()
        done.append(turn())
    assert all(count > 0 for count, _ in done) and any(ended for _, ended in done)


@pytest.mark.parametrize("name", sorted(OLD_PRESETS))
def test_scenarios_of_version_01_can_be_played(name):
    scenario = load_scenario(bench_file(name), transfers(name))
    assert scenario.name == name
    shared = scenario.serving.capacity == "shared"
    assert (scenario.serving.loading == "transfer") == shared == bool(transfers(name))
    assert {path.stem for path in bench_file(name).parent.iterdir()} == OLD_PRESETS


def test_trees_have_the_sizes_that_they_say():
    assert [size.nodes for size in tree_rows.SCALE_TREES] == [11, 32, 118, 332, 476, 1016]
    small = tree_rows.SCALE_TREES[0]
    tables = compile_scenario(load_scenario(**small.options)).tables
    assert (len(tables.node_memory), len(tables.class_task)) == (small.nodes, small.classes)


def test_worlds_of_devices_have_the_sizes_that_they_say():
    for world in device_rows.WORLDS:
        scenario = load_scenario(**world.options)
        nodes = math.prod(tier.fan_out for tier in scenario.topology.tiers)
        assert nodes == world.nodes and nodes * scenario.topology.tiers[3].count == world.nodes * world.each
        assert scenario.workload.rate == pytest.approx(0.2 * world.nodes * world.each)
        assert (
            world.classes == nodes * len(scenario.tasks) and f"{nodes * world.each:,} devices" in world.name
        )
    sizes = [world.nodes * world.each for world in device_rows.WORLDS]
    assert sizes == [1_000, 10_000, 100_000, 1_000_000, 3_000, 10_000]


def test_version_01_is_taken_out_of_the_repository(tmp_path, monkeypatch):
    monkeypatch.setattr(versions, "BASELINE_COMMIT", "0" * 40)
    with pytest.raises(ConfigError, match=r"^baseline: commit 0000000 is not in this checkout"):
        versions.version_01(None, tmp_path)
    with pytest.raises(ConfigError, match=r"^baseline: 'no-python' is not a program"):
        versions.version_01("no-python", tmp_path)
    monkeypatch.setattr(versions, "BASELINE_COMMIT", versions.commit_of_checkout().rstrip("+"))
    if versions.commit_of_checkout() == "unknown":
        pytest.skip("no checkout of a repository")
    found = versions.version_01(None, tmp_path)
    assert (found.folder / "idn_gym" / "__init__.py").is_file()
    monkeypatch.setattr(versions, "BASELINE_COMMIT", "0" * 40)
    assert versions.version_01(None, tmp_path) == found  # it is there already


def test_shares_of_training_add_up():
    shares = training_shares("tiny", 1)
    assert shares.pop("steps per CPU second") > 0.0
    assert len(shares) == 3 and 0.5 < sum(shares.values()) <= 1.0


def test_the_first_step_is_timed_in_processes_of_their_own(monkeypatch):
    seen = []

    class Done:
        stdout = "1.5 1.25\n"

    def run(command, env, **options):
        seen.append(env["NUMBA_CACHE_DIR"])
        compile(command[-1], "first step", "exec")
        return Done()

    monkeypatch.setattr(first_step.subprocess, "run", run)
    times = list(first_step.seconds_to_first_step("tiny"))
    assert [seconds for _, _, seconds in times] == [1.5, 1.25] * 2
    assert len(seen) == 2 and len(set(seen)) == 1
