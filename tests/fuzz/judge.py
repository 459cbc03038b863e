"""What may come of a fuzzed input: it works with finite numbers, or it ends in one clear line."""

from __future__ import annotations

import contextlib
import io
import signal
import traceback
import warnings
from collections.abc import Mapping

import gymnasium as gym
import numpy as np

from idn_gym.config_reader import ConfigError
from idn_gym.messages import LONGEST_MESSAGE
from idn_gym.scenarios.storage import InstanceError

SECONDS = 60
"""CPU time that a case may take."""

CLEAR = (ConfigError, InstanceError, gym.error.InvalidAction, gym.error.DependencyNotInstalled)


class TooLongError(BaseException):
    """A case has used up its CPU time."""


def fault(run):
    """Run a case; what is wrong about how it ends, or None.

    Args:
        run: a function without arguments.
    """
    out, err = io.StringIO(), io.StringIO()
    before = signal.signal(signal.SIGPROF, _too_long)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            run()
    except CLEAR as error:
        return _unclear(str(error))
    except SystemExit as error:
        return _unclear_exit(error.code, err.getvalue())
    except TooLongError:
        return f"takes more than {SECONDS} s of CPU time; is in\n{traceback.format_exc(limit=-3)}"
    except BaseException:
        return traceback.format_exc(limit=-4)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    return None


def _too_long(*_):
    raise TooLongError


def _unclear(message):
    if not message or len(message.splitlines()) != 1 or len(message) > 2 * LONGEST_MESSAGE:
        return f"not one clear line: {message[:500]!r} ({len(message)} characters)"
    return None


def _unclear_exit(code, stderr):
    """One line of error on stderr, or as the text of `sys.exit`; where help was asked for, none."""
    if code in (None, 0):
        return None
    lines = [line for line in (f"{stderr}\n{code}").splitlines() if "error:" in line]
    if len(lines) != 1 or "Traceback" in stderr:
        return f"ends with {code!r} and {len(lines)} lines of error: {stderr[-1000:]!r}"
    return _unclear(lines[0])


def check_finite(value, what):
    """Raise AssertionError unless all numbers in a nested value are finite."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            check_finite(item, f"{what}.{key}")
    elif isinstance(value, (list, tuple)):
        for item in value:
            check_finite(item, what)
    elif isinstance(value, (float, np.ndarray, np.floating)) and np.asarray(value).dtype.kind == "f":
        assert np.isfinite(value).all(), f"{what} is not finite: {value}"
    elif isinstance(value, np.ndarray) and value.dtype == object:
        check_finite([item for item in value.flat if item is not None], what)


def play(env, steps=3):
    """Play some slots with sampled actions and look at every number that comes back."""
    observation, info = env.reset(seed=0)
    check_finite(observation, "observation")
    check_finite(info, "info")
    env.action_space.seed(0)
    for _ in range(steps):
        observation, reward, _, truncated, info = env.step(env.action_space.sample())
        check_finite(observation, "observation")
        check_finite(reward, "reward")
        check_finite(info, "info")
        if np.ndim(truncated) == 0 and truncated:
            env.reset()
