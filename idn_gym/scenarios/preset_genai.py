"""The preset `genai-shift`: sites that hold a few of many checkpoints; docs/presets/genai-shift.md."""

from __future__ import annotations

from idn_gym.scenarios import config as c

# Shares of the 40 most frequent models of the log in docs/dynamics.md, 98.5 % of its requests.
SHARES = (
    *(0.3118, 0.1507, 0.0950, 0.0801, 0.0739, 0.0433, 0.0363, 0.0285, 0.0272, 0.0270),
    *(0.0218, 0.0088, 0.0075, 0.0072, 0.0069, 0.0053, 0.0042, 0.0040, 0.0036, 0.0033),
    *(0.0029, 0.0027, 0.0026, 0.0024, 0.0024, 0.0024, 0.0020, 0.0020, 0.0020, 0.0020),
    *(0.0019, 0.0019, 0.0017, 0.0016, 0.0015, 0.0013, 0.0013, 0.0013, 0.0012, 0.0012),
)

GENAI_SHIFT = c.Scenario(
    name="genai-shift",
    topology=c.Hierarchy(
        tiers=(
            c.Tier("pool", device="gpu_a10_diffusion_cold", memory=1e12, servers=float("inf"), pins=("all",)),
            c.Tier(
                "site",
                device="gpu_a10_diffusion",
                fan_out=16,
                memory=16e9,  # of 24 GB: the rest is for activations
                servers=8.0,
                uplink="metro_fibre",
                delay=0.005,
                rate=1.25e9,
                down_rate=1.25e9,
            ),
        ),
    ),
    tasks=tuple(
        c.Task(f"checkpoint-{i:02}", ("sdxl_checkpoint",), share=share, timeout=120.0, deadline=30.0)
        for i, share in enumerate(SHARES, start=1)
    ),
    workload=c.Workload(
        rate=0.53,
        arrivals="poisson",
        popularity=c.Visitors(users=5, length=13.4, uneven=1.57, likeness=35.0),
        bursts=c.Bursts(ratio=16.6, start=0.0066, stop=0.04),
    ),
    serving=c.Serving(loading="transfer"),
    scales=c.Scales(error=1.0, latency=15.0, energy=2250.0, traffic=6.94e9, update=1.0),
    action="scores-task",
    slot_seconds=60.0,
    horizon=180,
)
