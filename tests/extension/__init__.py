"""A package of somebody else, which adds a codec, an observation, a link process and a policy to IDN Gym.

It touches no file of IDN Gym. A user imports it, or installs it with the entry point
``[project.entry-points.idn_gym]``, ``extension = "tests.extension"``.
"""

import idn_gym
from tests.extension.codec import OnePerNode
from tests.extension.observation import Totals
from tests.extension.policy import take_turns
from tests.extension.process import DutyCycle, draw_duty_cycle

idn_gym.register_codec("one-per-node", OnePerNode)
idn_gym.register_observation("totals", Totals)
idn_gym.register_process(DutyCycle, draw_duty_cycle)
idn_gym.register_policy("take-turns", take_turns, codec="one-per-node", about="each segment in turn")
