"""A small world whose requests are pictures of digits, with networks of the lab."""

from idn_gym.config_reader import from_plain
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.presets import load_scenario

CONDITIONS = ["clean", "noise-0.2", "darkness-0.5"]


def hidden_world(horizon=40, rate=4.0, **quality):
    """Two boards, an edge node and a cloud that holds everything; conditions move fast."""
    moving = {"kind": "markov", "names": CONDITIONS, "stay": [8.0]}
    board = {"device": "sbc_rpi_zero2w", "tier": "device", "memory": 200e3, "demand": 1.0}
    return from_plain(
        Scenario,
        {
            "name": "hidden",
            "topology": {
                "kind": "explicit",
                "nodes": [
                    {"name": "board-0", **board},
                    {"name": "board-1", **board},
                    {"name": "edge", "device": "soc_jetson_orin_nano", "tier": "edge", "memory": 2e6},
                    {
                        "name": "cloud",
                        "device": "gpu_a100_trt_int8",
                        "tier": "cloud",
                        "servers": float("inf"),
                        "pins": ["all"],
                    },
                ],
                "links": [
                    {"source": "board-0", "target": "edge", "link": "lte_uplink"},
                    {"source": "board-1", "target": "edge", "link": "lte_uplink"},
                    {"source": "edge", "target": "cloud", "link": "wan_cloud"},
                ],
            },
            "tasks": [
                {
                    "name": "digits",
                    "models": ["digits_lab_baseline", "digits_lab_whole-quarter", "digits_lab_exits-early"],
                    "timeout": 2.0,
                    "deadline": 0.3,
                }
            ],
            "workload": {"rate": rate},
            "slot_seconds": 10.0,
            "horizon": horizon,
            "quality": {"conditions": moving, **quality},
        },
    )


def exits_alone(changes=(), **quality):
    """The world with the one network that has several operating points."""
    alone = {"tasks.0.models": ["digits_lab_exits-early"]}
    return load_scenario(hidden_world(**quality), alone | dict(changes))
