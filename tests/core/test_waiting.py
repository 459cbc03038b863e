"""Waiting in queues against closed forms, and against a queue that is simulated request by request."""

import math

import numpy as np
import pytest
from scipy.special import gammaln

from idn_gym.core.kernel import njit_no_alloc
from idn_gym.core.waiting import erlang_c, mean_wait, overdue_share, patient_wait, wait_quantile


@njit_no_alloc
def waits(servers, rate, first, second):
    return mean_wait(servers, rate, first, second)


@njit_no_alloc
def delayed(servers, load):
    return erlang_c(servers, load)


@njit_no_alloc
def patient(wait, patience):
    return patient_wait(wait, patience)


@njit_no_alloc
def late(slack, wait, idle):
    return overdue_share(slack, wait, idle)


@njit_no_alloc
def quantile(share, wait, idle):
    return wait_quantile(share, wait, idle)


def erlang_sum(servers, load):
    """Erlang C as the textbook sums it, in logarithms."""
    terms = [k * math.log(load) - gammaln(k + 1) for k in range(servers)]
    last = servers * math.log(load) - gammaln(servers + 1) - math.log1p(-load / servers)
    top = max(*terms, last)
    return math.exp(last - top) / sum(math.exp(term - top) for term in [*terms, last])


@pytest.mark.parametrize("utilisation", [0.05, 0.5, 0.8, 0.95])
def test_one_server_waits_as_in_closed_form(utilisation):
    service = 0.25
    rate = utilisation / service
    exponential = utilisation * service / (1.0 - utilisation)  # M/M/1
    assert waits(1, rate, service, 2.0 * service**2) == pytest.approx(exponential, rel=1e-12)
    assert waits(1, rate, service, service**2) == pytest.approx(exponential / 2.0, rel=1e-12)  # M/D/1
    mixed = rate * (0.5 * 0.1**2 + 0.5 * 0.4**2) / (2.0 * (1.0 - rate * 0.25))  # M/G/1, two kinds of requests
    assert waits(1, rate, 0.25, 0.5 * 0.1**2 + 0.5 * 0.4**2) == pytest.approx(mixed, rel=1e-12)


@pytest.mark.parametrize("servers", [1, 2, 4, 16, 500])
@pytest.mark.parametrize("utilisation", [0.1, 0.7, 0.99])
def test_erlang_c_is_the_textbook_sum(servers, utilisation):
    load = utilisation * servers
    assert delayed(servers, load) == pytest.approx(erlang_sum(servers, load), rel=1e-9)


@pytest.mark.parametrize("servers", [2, 8])
def test_several_servers_wait_as_exponential_service_does(servers):
    service, utilisation = 0.2, 0.9
    rate = servers * utilisation / service
    expected = erlang_sum(servers, rate * service) / (servers / service - rate)  # M/M/c
    assert waits(servers, rate, service, 2.0 * service**2) == pytest.approx(expected, rel=1e-9)


def test_one_server_of_the_general_formula_is_the_exact_one():
    assert delayed(1, 0.6) == pytest.approx(0.6)


def test_no_arrivals_no_wait_and_no_room_no_end():
    assert waits(1, 0.0, 0.0, 0.0) == 0.0
    assert waits(3, 0.0, 0.0, 0.0) == 0.0
    assert waits(1, 4.0, 0.25, 0.1) == math.inf
    assert waits(4, 16.0, 0.25, 0.1) == math.inf


def test_who_gives_up_in_time_waits_less_than_the_timeout_leaves():
    assert patient(1e-6, 1.0) == pytest.approx(1e-6)
    assert patient(1e9, 1.0) == pytest.approx(0.5)
    assert patient(math.inf, 1.0) == 0.5
    assert patient(1.0, 0.0) == 0.0
    grid = np.linspace(0.0, 10.0, 200)
    found = [patient(w, 2.0) for w in grid]
    assert np.all(np.diff(found) > 0.0) and found[-1] < 1.0


@pytest.mark.parametrize("utilisation", [0.3, 0.8])
def test_late_shares_of_exponential_service_are_exact(utilisation):
    service = 0.5  # M/M/1: P(wait > x) = rho exp(-(1 - rho) x / s)
    wait = utilisation * service / (1.0 - utilisation)
    for slack in (0.0, 0.2, 3.0):
        expected = utilisation * math.exp(-(1.0 - utilisation) * slack / service)
        assert late(slack, wait, 1.0 - utilisation) == pytest.approx(expected, rel=1e-12)
    assert late(-0.1, wait, 1.0 - utilisation) == 1.0
    assert late(0.1, 0.0, 1.0) == 0.0


@pytest.mark.parametrize("share", [0.5, 0.95, 0.99])
def test_quantiles_invert_late_shares(share):
    wait, idle = 0.7, 0.3
    x = quantile(share, wait, idle)
    assert late(x, wait, idle) == pytest.approx(1.0 - share)
    assert quantile(0.2, wait, idle) == 0.0
    assert quantile(share, 0.0, 1.0) == 0.0


@pytest.mark.long
@pytest.mark.parametrize(("servers", "tolerance"), [(1, 0.05), (4, 0.1)])
def test_formulas_match_a_queue_that_is_played(servers, tolerance):
    """First come, first served, by the recursion of Kiefer and Wolfowitz, two kinds of requests."""
    rng = np.random.default_rng(servers)
    count, utilisation = 400_000, 0.8
    service = np.where(rng.random(count) < 0.3, 0.5, 0.1)
    rate = servers * utilisation / service.mean()
    arrival = np.cumsum(rng.exponential(1.0 / rate, count))
    free = np.zeros(servers)
    waited = np.zeros(count)
    for i in range(count):
        k = int(free.argmin())
        waited[i] = max(0.0, free[k] - arrival[i])
        free[k] = max(free[k], arrival[i]) + service[i]
    expected = waits(servers, rate, service.mean(), (service**2).mean())
    assert waited[count // 10 :].mean() == pytest.approx(expected, rel=tolerance)
