"""The search for weights of an index policy: what it finds, and that a stopped one goes on alike."""

import json

import numpy as np
import pytest

from experiments.search_index import SearchIndexCommand
from experiments.studies.agent_words import entry_file
from experiments.training.index_search import IndexSearch, mean_costs, search_weights
from idn_gym.config_reader import ConfigError

QUICK = {"scenario": "tiny", "overrides": {"horizon": 6}, "population": 8, "judged": 2, "every": 2}


def run(folder, **changes):
    search = IndexSearch(**{**QUICK, "generations": 4, **changes})
    return search, search_weights(search, folder / "search.json", lambda generation, state: None)


def test_it_finds_what_is_better_than_where_it_starts(tmp_path):
    search, state = run(tmp_path, generations=10)
    start, found = mean_costs(
        search, np.stack([np.zeros_like(state.best), state.best]), "validation", range(2)
    )
    assert found == pytest.approx(state.best_cost) and found < start
    judged = [row["judged"] for row in state.curve if "judged" in row]
    assert state.best_cost == min(judged) and len(judged) == 5


def test_a_search_that_was_stopped_goes_on_alike(tmp_path):
    (tmp_path / "whole").mkdir(), (tmp_path / "parts").mkdir()
    _, whole = run(tmp_path / "whole")

    class StopError(Exception):
        pass

    def stop(generation, state):
        if generation == 1:
            raise StopError

    search, record = IndexSearch(**QUICK, generations=4), tmp_path / "parts" / "search.json"
    with pytest.raises(StopError):
        search_weights(search, record, stop)
    rest = []
    parts = search_weights(search, record, lambda generation, state: rest.append(generation))
    assert rest == [2, 3]
    np.testing.assert_array_equal(parts.best, whole.best)
    assert parts.curve == whole.curve


def test_records_of_other_searches_and_damaged_ones_are_refused(tmp_path):
    run(tmp_path, generations=2)
    for changes in ({"seed": 1}, {"generations": 3}):
        with pytest.raises(ConfigError, match=r"out: .*another search"):
            run(tmp_path, **{"generations": 2, **changes})
    for text in ("{", "[]", "{}", '{"search": 1, "mean": ["x"]}'):
        (tmp_path / "search.json").write_text(text)
        with pytest.raises(ConfigError, match=r"out: .*is damaged"):
            run(tmp_path, generations=2)


def test_the_command_writes_weights_and_curve(tmp_path, capsys):
    SearchIndexCommand(
        scenario="tiny",
        out=tmp_path,
        generations=2,
        population=4,
        episodes=1,
        judged=1,
        changes=("horizon=3",),
    ).run()
    found = json.loads((tmp_path / "weights.json").read_text())["found"]
    assert found["scenario"] == "tiny" and found["overrides"] == {"horizon": 3}
    assert len((tmp_path / "curve.csv").read_text().splitlines()) == 3
    assert f"{found['validation_cost']:.4f}" in capsys.readouterr().out
    entry = entry_file(str(tmp_path / "agent.yaml"))
    assert entry.agent == "index" and entry.options == {"path": str(tmp_path / "weights.json")}
