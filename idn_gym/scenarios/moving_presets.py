"""Presets in which moving models pays: scarce memory, dear misses, demand that stays for a while and goes.

Where every number comes from, and what was tried: docs/presets/.
"""

from __future__ import annotations

from idn_gym.scenarios import config as c


def _cloud() -> c.Node:
    return c.Node("cloud", device="gpu_a100_trt_int8", tier="cloud", servers=float("inf"), pins=("all",))


EDGE_DRIFT = c.Scenario(
    name="edge-drift",
    topology=c.Explicit(
        nodes=(
            *(
                c.Node(f"board-{i}", device="sbc_rpi5", tier="device", memory=16e6, demand=1.0)
                for i in range(6)
            ),
            *(c.Node(f"edge-{i}", device="soc_jetson_orin_nano", tier="edge", memory=32e6) for i in range(2)),
            _cloud(),
        ),
        links=(
            *(c.Link(f"board-{i}", f"edge-{i // 3}", link="nr5g_uplink") for i in range(6)),
            *(c.Link(f"edge-{i}", "cloud", link="wan_cloud") for i in range(2)),
        ),
    ),
    tasks=(
        c.Task("detect", ("yolov5n_640", "yolov5s_640"), share=6.0, timeout=2.0, deadline=0.5, copies=6),
        c.Task(
            "classify",
            ("mobilenetv3_small_100", "efficientnet_b0", "resnet152_bottlefit"),
            share=4.0,
            timeout=2.0,
            deadline=0.3,
            copies=4,
        ),
        c.Task(
            "fashion",
            ("fashion_branchy", "fashion_bottleneck_147"),
            share=2.0,
            timeout=2.0,
            deadline=0.1,
            copies=2,
        ),
    ),
    serving=c.Serving(loading="transfer"),
    # Two cameras of six pictures a second at each board.
    workload=c.Workload(rate=72.0, zipf=0.5, popularity=c.Sessions(users=2, length=12.0)),
    dynamics=c.Dynamics(
        # `python -m experiments.fit_link_log` on the logs of a 5G phone, in slots of 60 s
        link=c.Ar1(memory=0.15, sigma=0.7),
        moving_links=("nr5g_uplink",),
        link_outages=c.LinkOutages(mean_up=76.0, mean_down=2.0, links=("device",)),
        background=c.Background(),
        outages=c.Outages(mean_up=400.0, mean_down=6.0),
    ),
    scales=c.Scales(error=0.25, latency=0.5, energy=1.0, traffic=4e4, update=1.0),
    action="scores-task",
    slot_seconds=60.0,
    horizon=72,
)

ADVERSARY = c.Scenario(
    name="adversary",
    topology=c.Hierarchy(
        tiers=(
            c.Tier("cloud", device="gpu_v100_darknet", memory=64e9, servers=float("inf"), pins=("all",)),
            c.Tier(
                "office",
                device="gpu_rtx2070_darknet",
                fan_out=2,
                memory=860e6,
                servers=8.0,
                uplink="wan_cloud",
                rate=1.25e9,
                down_rate=1.25e9,
            ),
            c.Tier(
                "station", device="gpu_rtx2070_darknet", fan_out=3, memory=430e6, servers=4.0, delay=0.006
            ),
        )
    ),
    # A station has room for two of 16 tasks, an office for four.
    tasks=(c.Task("detect", ("yolov4_csp_512", "yolov4_320"), timeout=2.0, deadline=0.1, copies=16),),
    workload=c.Workload(rate=600.0, popularity=c.UniformTask(hold=8)),
    serving=c.Serving(capacity="exogenous", max_parts=1),
    scales=c.Scales(error=1.0, latency=0.2, energy=100.0, traffic=5e5, update=1.0),
    action="scores-task",
    slot_seconds=60.0,
    horizon=240,
)

_CITIES = (
    "Berlin",
    "Bremen",
    "Dresden",
    "Duesseldorf",
    "Essen",
    "Frankfurt",
    "Hamburg",
    "Koeln",
    "Leipzig",
    "Muenchen",
)
"""Work places: cities of half a million inhabitants or more at which requests enter."""

_TOWNS = (
    "Aachen",
    "Augsburg",
    "Bayreuth",
    "Bielefeld",
    "Bremerhaven",
    "Chemnitz",
    "Darmstadt",
    "Erfurt",
    "Flensburg",
    "Freiburg",
    "Giessen",
    "Greifswald",
    "Kaiserslautern",
    "Kempten",
    "Kiel",
    "Konstanz",
    "Magdeburg",
    "Mannheim",
    "Muenster",
    "Norden",
    "Oldenburg",
    "Osnabrueck",
    "Passau",
    "Regensburg",
    "Saarbruecken",
    "Schwerin",
    "Trier",
    "Ulm",
    "Wesel",
)
"""Homes."""

METRO_DAY = c.Scenario(
    name="metro-day",
    topology=c.TopoHubTopology(
        name="sndlib/germany50",
        repository=c.Tier("cloud", device="gpu_a100_trt_int8", servers=float("inf"), pins=("all",)),
        core=c.Tier("core", device="soc_jetson_orin_nano", memory=64e6),
        access=c.Tier("access", device="soc_jetson_orin_nano", memory=16e6),
        routes=2,
    ),
    tasks=(c.Task("detect", ("yolov5n_640", "yolov5s_640"), timeout=2.0, deadline=0.2, copies=8),),
    serving=c.Serving(loading="transfer", max_parts=1),
    # Slot 0 begins at midnight; cities are busiest at 14:00, towns at 20:00.
    workload=c.Workload(
        rate=480.0,
        zipf=0.5,
        popularity=c.Sessions(users=2, length=9.0),
        mobility=c.Commuting(homes=_TOWNS, works=_CITIES, period=72.0),
        diurnal=c.Diurnal(period=72.0, regions=(c.Zone(_CITIES, -1 / 3), c.Zone(_TOWNS, -7 / 12))),
        flash=c.Crowds((c.Crowd(spots=5, factor=6.0, decay=6.0),)),
    ),
    dynamics=c.Dynamics(outages=c.ScheduledOutages((c.Failure("Hannover", 36, 41),), forwards=False)),
    scales=c.Scales(error=0.25, latency=0.2, energy=1.0, traffic=1e5, update=1.0),
    action="scores-task",
    slot_seconds=1200.0,
    horizon=72,
)

# Shares of the 40 most frequent models of the log in docs/dynamics.md, 98.5 % of its requests.
_SHARES = (
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
        for i, share in enumerate(_SHARES, start=1)
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

MOVING_PRESETS = (EDGE_DRIFT, ADVERSARY, METRO_DAY, GENAI_SHIFT)
