"""Without a terminal, a study says in lines how far it is."""

from pathlib import Path

import pytest

from experiments.engines.job import Job
from experiments.engines.local import HereEngine
from experiments.studies import playing
from idn_gym.commands import progress


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (60.0, ["0 of 3 runs", "3 of 3 runs, 0.0 min"]),
        (0.0, ["0 of 3 runs", "1 of 3 runs, 0.0 min", "2 of 3 runs, 0.0 min", "3 of 3 runs, 0.0 min"]),
    ],
)
def test_stages_tell_where_they_are(tmp_path, capsys, monkeypatch, seconds, said):
    monkeypatch.setattr(progress, "SECONDS_BETWEEN", seconds)

    def job(name):
        return Job(name, lambda out: (out / name).touch(), Path(name), lambda out: (out / name).exists())

    (tmp_path / "done").touch()
    stages = [
        playing.JobStage("trainings", [job("done")]),
        playing.JobStage("runs", [job(name) for name in ("done", "a", "b", "c")]),
    ]
    playing.play_stages(stages, tmp_path, HereEngine())
    assert capsys.readouterr().err.splitlines() == said
    assert all((tmp_path / name).exists() for name in "abc")
