"""Copies, thresholds and alarms: what is asked about answers, what it costs and what follows from it."""

import numpy as np
import pytest

from idn_gym.catalog.outcomes import read_outcomes
from idn_gym.catalog.reader import SHIPPED_TABLES
from idn_gym.hidden.beliefs import make_belief
from idn_gym.quality.in_force import Heard
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.compile.answers import RAW_BINS
from tests.hidden.test_book import COPIED, PROBED, _cost, make_env
from tests.hidden_worlds import CONDITIONS, hidden_world


def test_copies_are_paid_for_and_move_what_is_believed():
    """By hand: energy and traffic of the upstream option, in rewards, infos and the truth; no labels."""
    env = make_env(accuracy="disagreement", probes={"share": 0.5, "cost": 0.5})
    env.reset(seed=2)
    env.action_space.seed(2)
    simulation, tables = env.simulation, env.simulation.compiled.tables
    answers, copies = simulation.compiled.answers, simulation.compiled.answers.copies
    for rho, option in enumerate(copies.option):
        mine = answers.stream_class == rho
        assert answers.nominal[answers.stream_kind[mine]].max() == pytest.approx(
            1 - tables.option_error[option]
        )
        assert simulation.compiled.names.nodes[tables.part_node[tables.part_start[option]]] == "cloud"
    believed, sent = [], 0.0
    for _ in range(10):
        slot = simulation.instance.draw
        price, tariff = slot.option_joules.copy(), slot.tariff[0].copy()
        _, reward, _, _, infos = env.step(env.action_space.sample())
        heard, outcome = simulation.quality.heard, simulation.last
        compared, of = heard.row_compared[0], copies.option[answers.stream_class]
        assert np.all(heard.row_agreed <= heard.row_compared) and np.all(compared <= outcome.answered[0] + 1)
        assert np.all(compared[copies.spared] == 0.0) and not outcome.labelled.any()
        joules, byte_hops = (compared * price[0, of]).sum(), (compared * tables.option_traffic[of]).sum()
        assert outcome.load_energy[0] == pytest.approx(joules)  # loading is instant and free here
        assert outcome.load_traffic[0] == pytest.approx(byte_hops)
        energy = outcome.energy.sum() + outcome.idle_energy[0] + joules
        requests = tables.nominal_requests
        assert infos["energy"][0] == pytest.approx(energy / requests)
        assert -infos["vector_reward"][0, 2] == pytest.approx(energy / requests)
        assert -infos["vector_reward"][0, 3] == pytest.approx((outcome.traffic.sum() + byte_hops) / requests)
        wrong = (outcome.arrived.sum() - outcome.arrived.sum() * infos["truth/accuracy"][0]) / requests
        assert -reward[0] == pytest.approx(_cost(simulation, infos["vector_reward"][0], wrong))
        spent = tariff[2] * joules + tariff[3] * byte_hops
        changed = outcome.arrived.sum() * (infos["accuracy"][0] - infos["truth/accuracy"][0])
        cost = outcome.tariff_cost[0] + tariff[0] * changed + spent
        assert infos["truth/tariff_cost"][0] == pytest.approx(cost / requests)
        believed.append(simulation.quality._belief.accuracy().copy())
        sent += compared.sum()
    assert sent > 0.0 and (believed[-1] != believed[0]).any()


def test_thresholds_give_the_accuracy_of_the_part_they_are_fitted_on():
    compiled = compile_scenario(hidden_world(accuracy="atc"))
    answers = compiled.answers
    belief = make_belief(compiled.scenario.quality, answers, compiled.class_ingress, 1)
    samples = answers.calibrating.sum(axis=2)[answers.stream_kind]
    right = answers.calibrating[..., 1].sum(axis=1)[answers.stream_kind]
    np.testing.assert_allclose((samples * belief._values).sum(axis=1), right)
    assert np.all(np.diff(belief._values[:, :RAW_BINS]) >= 0.0)  # a threshold


def test_alarms_of_a_world_keep_their_level_and_notice_darkness():
    """The source is known by samples that neither say what cells are worth nor are played."""
    compiled = compile_scenario(hidden_world(accuracy="alarm", **PROBED))
    answers, rows, rng = compiled.answers, 40, np.random.default_rng(0)
    belief = make_belief(compiled.scenario.quality, answers, compiled.class_ingress, rows)
    streams = len(answers.stream_kind)
    assert not np.array_equal(answers.usual, answers.calibrating.sum(axis=2))
    row, stream = np.divmod(np.arange(rows * streams), streams)
    nothing = np.zeros((rows, streams))
    for condition, slots in ((0, 150), (2, 40)):
        law = answers.playing[answers.stream_kind[stream], condition].sum(axis=2)
        fired = np.zeros((rows, streams), bool)
        for _ in range(slots):
            cells = rng.multinomial(8, law / law.sum(axis=1, keepdims=True)).astype(float)
            belief.note(Heard(row, stream, cells, nothing, nothing))
            fired |= belief.probed()
        assert fired.mean() <= 0.05 if condition == 0 else fired.mean() > 0.5


def test_agreement_is_that_of_the_table():
    """Without a drift it is what it was on the part `calibrating`, within chance; under darkness it falls."""
    answers = compile_scenario(hidden_world(accuracy="disagreement", **COPIED)).answers
    copies, samples = answers.copies, answers.playing.sum(axis=3)[answers.stream_kind]
    alike = (samples * copies.agreeing).sum(axis=2) / samples.sum(axis=2)
    np.testing.assert_allclose(alike[:, 0], copies.source, atol=0.08)
    assert np.all(alike[copies.spared] == 1.0) and np.all(copies.source[copies.spared] == 1.0)
    table = read_outcomes(SHIPPED_TABLES / "lab" / "digits.npz")
    rows = [f"digits_lab_{name}/exit1" for name in ("baseline", "whole-quarter")]
    names = compile_scenario(hidden_world()).names
    assert names.models[1] == "digits_lab_whole-quarter"
    for c, condition in enumerate(CONDITIONS):
        assert alike[1, c] == pytest.approx(table.agreement(*rows, condition))
