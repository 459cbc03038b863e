"""The arrays that every kernel reads and writes.

Each field carries its shape and unit. Dimension letters, used in every comment of the package:

====== =========================================== ====== =======================================
letter counts                                      letter counts
====== =========================================== ====== =======================================
B      episodes simulated side by side             S      segments of all models
T      slots that are kept of an episode           R      request classes
N      nodes                                       O      options of all classes
E      links                                       Q      parts of all options
M      models                                      X      exit branches of all options
G      groups of options                           H      hops of all loads' paths, end to end
K      tasks                                       J      path positions, all paths end to end
P      paths (one per ingress and repositories)    L      path positions of the longest path
Z      stores (batteries, airtime budgets)         Y      needs of all options
r      radios of devices                           m      messages of all options, over radios
c      cells (one per gateway and factor)          f      spreading factors
D      objectives in force                         F      those of them on request and of packages
a      streams of answers
====== =========================================== ====== =======================================

``xxx_start`` has one entry more than rows: row ``i`` is ``xxx_start[i]:xxx_start[i + 1]`` of the finer table.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.generic]
"""Numbers of any kind."""
Ints = npt.NDArray[np.integer[Any]]
"""Indices; those of `Tables` are int32 once frozen, so that more of them fit into the cache."""
Residents = npt.NDArray[np.int32]
"""Residency: half the bytes of `Ints`, since serving reads little else."""

EMPTY = -1
"""Value of a residency entry when no segment of the model is on the node."""

EXOGENOUS, SHARED = 0, 1
"""Capacity modes: private capacities per request class, or one pool that all classes draw on."""

INSTANT, TRANSFER = 0, 1
"""Loading modes: instant, or over the links, which takes time."""

NO_WAITING, QUEUES = 0, 1
"""Queueing modes of shared capacity: a fluid that never waits, or M/G/c queues at nodes and links."""

ERROR, SECOND, JOULE, BYTE_HOP = 0, 1, 2, 3
"""Components of a tariff: what the core prices in every scenario."""

PRICED = 4
"""Number of these components; the F further ones follow."""

NO_UPLINKS: Residents = np.zeros((0, 0), np.int32)
"""An association without changes."""


class Tables(NamedTuple):
    """Constants of a scenario, which no draw changes."""

    slot_seconds: float  # [s] length of a slot, tau
    capacity: int  # EXOGENOUS or SHARED
    queueing: int  # NO_WAITING or QUEUES; read where capacity is shared, as are the next two
    load_limit: float  # share of a resource that batches may fill
    last_resort: float  # share of a resource that requests may fill which would be dropped otherwise
    loading: int  # INSTANT or TRANSFER
    loading_share: float  # share of a link without a down rate that loads may take
    nominal_requests: float  # [requests] per slot, the constant that objectives are divided by
    nominal_memory: float  # [bytes] of all movable nodes, of all devices, what loaded bytes are divided by
    answer_streams: int  # a, where quality is hidden; else 0
    # nodes
    node_count: Floats  # (N,) devices that the node stands for; above 1 it is a cohort
    node_memory: Floats  # (N,) [bytes] nominal memory of one device
    node_seconds: Floats  # (N,) [s] nominal compute seconds per slot of all devices; inf where elastic
    node_servers: Ints  # (N,) workers of the queue of one device; 0: no waiting
    node_watts: Floats  # (N,) [W] power drawn per compute second, above idle
    node_idle_watts: Floats  # (N,) [W] power that all devices draw all the time; 0 where not counted
    node_context_watts: Floats  # (N,) [W] more of them all while they hold any model; 0 where not counted
    node_reserved: Floats  # (N,) [bytes] of the segments that the node pins
    node_movable: npt.NDArray[np.bool_]  # (N,) whether a policy may place models here
    node_charge: Floats  # (N, F) [unit/s] nominal, per compute second
    start_seconds: Floats  # (N, M) [s] from a model's bytes to its first answer; 0 where loading is instant
    node_store: Ints  # (N,) battery of the node, which its loads draw on; EMPTY without
    # links
    link_count: Floats  # (E,) media side by side: one for each device of a cohort, unless they share one
    link_delay: Floats  # (E,) [s] round-trip delay
    link_rate: Floats  # (E,) [bytes/s] nominal rate of all media
    link_down_rate: Floats  # (E,) [bytes/s] away from the repository; 0 where the medium is shared
    link_joules: Floats  # (E,) [J/byte]
    link_store: Ints  # (E,) airtime that requests take on the link; EMPTY without a duty cycle
    link_charge: Floats  # (E, F) [unit/byte] nominal
    slot_charge: Floats  # (F,) [unit] nominal, of a slot whatever is served
    # radios: links with frames, cell by cell (six for each gateway), in each the strongest first
    radio_channels: float  # that each frame chooses from at random
    demodulators: float  # frames that a gateway receives at a time; 0: without limit
    cell_start: Ints  # (c+1,) into r
    radio_link: Ints  # (r,)
    radio_devices: Floats  # (r,) that the radio stands for
    radio_harm: Ints  # (r, f) radios of each cell of the gateway, from the strongest on, that harm its frames
    radio_transmissions: Floats  # (r,) of every frame
    # association: nodes with several radios use one of them at a time
    node_uplink: Ints  # (N,) link that the node uses initially; EMPTY: all of its links
    link_chooser: Ints  # (E,) node that uses the link or another one; EMPTY: the link is always in use
    # paths: the routes from an ingress node to a repository, one after the other, the shortest first
    path_start: Ints  # (P+1,) into J
    path_node: Ints  # (J,) node at each position
    path_link: Ints  # (J,) link that enters the position; EMPTY where a route begins
    path_delay: Floats  # (J,) [s] round-trip delay from the ingress to the position
    path_same_node: Ints  # (J,) first position of the path that is the same node
    path_same_link: Ints  # (J,) first position of the path that the same link enters
    # paths of loads, from the node that loads to its task's repository, left out; none where it is instant
    load_start: Ints  # (N K+1,) into H; row v K + k is that of node v and task k
    load_node: Ints  # (H,) node at the far end of the hop
    load_link: Ints  # (H,) link that the load crosses, against its direction
    # stores: stocks that carry over from slot to slot (`core.stores`), in [J] of a battery, [s] of airtime
    store_capacity: Floats  # (Z,) what is above it at the end of a slot is spilled
    store_least: Floats  # (Z,) cut-off: serving draws no further, and a store at or below it is off
    store_restart: Floats  # (Z,) with which a store that is off comes back
    store_start: Floats  # (Z,) before slot 0
    store_drain: Floats  # (Z,) per slot, whatever is served; none while off
    store_refill: Floats  # (Z,) per slot, nominal
    # models and their segments
    model_task: Ints  # (M,) models of one task are neighbours
    task_model: Ints  # (K+1,) first model of each of the K tasks
    model_blocks: Ints  # (M,) number of blocks
    block_bytes: Floats  # (M, max blocks + 1) [bytes] bytes of all blocks before the index
    segment_model: Ints  # (S,)
    segment_first: Ints  # (S,) first block
    segment_last: Ints  # (S,) one past the last block
    segment_bytes: Floats  # (S,) [bytes]
    segment_value: Floats  # (N, S) [cost/byte] nominal saving of the segment alone on the node
    pinned: Residents  # (N, M) segment held for ever, or EMPTY
    # request classes
    class_task: Ints  # (R,)
    class_path: Ints  # (R,)
    class_basin: Ints  # (R,) classes of different basins share nothing that may become full (`core.basins`)
    class_requests: Floats  # (R,) [requests] nominal per slot
    class_timeout: Floats  # (R,) [s] options that take as long are left out; latency of a drop
    class_deadline: Floats  # (R,) [s]
    class_drop_bytes: Floats  # (R,) [byte-hops] traffic charged for a dropped request
    # options of a class, grouped by the position and model of their first part
    option_start: Ints  # (R+1,) into O
    class_group: Ints  # (R+1,) into G; a class has one group per (position, model of its task)
    group_start: Ints  # (G+1,) into O
    class_fallback: Ints  # (R,) into O: from here to the class's last, options of which only one is used
    option_rank: Ints  # (O,) tie order in the class: fewer hops, fewer bytes, higher accuracy, name
    option_origin: Ints  # (O,) position on the path of the class where the option's route begins
    option_model: Ints  # (O,)
    option_point: Ints  # (O,) operating point, numbered within its model
    option_error: Floats  # (O,) 1 - mean accuracy, as the catalogue has it
    option_stream: Ints  # (O,) stream of answers (class, model, operating point) it adds to, or EMPTY
    option_traffic: Floats  # (O,) [byte-hops] per request
    option_link_joules: Floats  # (O,) [J] spent on links per request
    option_charge: Floats  # (O, F) [unit] of further objectives per request, whatever the slot
    # what an option draws on stores; where one of them gives nothing, it is not used
    need_start: Ints  # (O+1,) into Y
    need_store: Ints  # (Y,)
    need_amount: Floats  # (Y,) per request, in the unit of the store; 0: it need only be on
    need_node: Ints  # (Y,) node whose slowdown scales the amount, or EMPTY
    # messages of an option that travel in frames
    message_start: Ints  # (O+1,) into m
    message_radio: Ints  # (m,)
    message_reach: Floats  # (m,) share of the option's requests that send it
    message_frames: Floats  # (m,) frames that it takes
    message_seconds: Floats  # (m,) [s] on air of all of them, sent once
    # parts of an option, in path order; part 0 receives the raw input from the ingress node
    part_start: Ints  # (O+1,) into Q
    part_node: Ints  # (Q,)
    part_position: Ints  # (Q,) position of the node on the path of the class
    part_segment: Ints  # (Q,) segment the part runs
    part_seconds: Floats  # (Q,) [s] expected compute seconds per request, survival included
    part_reach: Floats  # (Q,) share of requests that reach the part
    part_bytes: Floats  # (Q,) [bytes] expected bytes that enter the part per request
    part_pause: Floats  # (Q,) [s] that further frames of the message take which enters the part
    # exit branches of an option: the ways a request can end, shares adding up to 1
    branch_start: Ints  # (O+1,) into X
    branch_share: Floats  # (X,) share of the requests that end here
    branch_parts: Ints  # (X,) number of parts that the request visits
    branch_bytes: Floats  # (X, max parts) [bytes] that enter each visited part
    branch_seconds: Floats  # (X, max parts) [s] spent in each visited part


class Draw(NamedTuple):
    """One random draw of everything that moves; nothing that is played changes it.

    T is the horizon in what `build_instance` makes. An environment keeps no more than two spans of a longer
    episode, and draws the next one in time; slot t stands at place t mod T (`place_of`) in both.
    """

    demand: Floats  # (B, T, R) [requests] batch of each class
    seconds: Floats  # (B, T, N) [s] compute seconds of the slot, of all devices
    memory: Floats  # (B, T, N) [bytes] of one device
    rate: Floats  # (B, T, E) [bytes/s] of all media of the link
    refill: Floats  # (B, T, Z) what comes into each store, in its unit
    # charges of further objectives: per compute second, per byte, and of a drop (the class's worst option)
    charge_second: Floats  # (B, T, N, F) [unit/s]
    charge_byte: Floats  # (B, T, E, F) [unit/byte]
    charge_drop: Floats  # (B, T, R, F) [unit]
    charge_slot: Floats  # (B, T, F) [unit] of the slot whatever is served, such as that of idle power
    condition: Ints  # (B, T, R) under which the class's requests are, where quality is hidden; else (B, T, 0)
    slowdown: Floats  # (B, N) factor on the node's compute seconds (error of the latency law)
    error_in_force: Floats  # (B or 1, O) 1 - accuracy that serves requests; moves where it is estimated
    price_list: Floats  # (B,) another number whenever `error_in_force` of the row has moved
    # the next six follow from slowdown, error and tariff; one row serves all episodes where these agree
    option_latency: Floats  # (B or 1, O) [s] per request, but for the time on links that rates decide
    option_cost: Floats  # (B or 1, O) [cost] tariff of a request, without the time on links that rates decide
    option_joules: Floats  # (B or 1, O) [J] per request
    drop_joules: Floats  # (B or 1, R) [J] charged for a dropped request: the class's worst option
    drop_cost: Floats  # (B or 1, R) [cost] tariff of a dropped request, but for further objectives
    last_choice: Ints  # (B or 1, R) into O: cheapest of the options that no capacity limits, or EMPTY
    tariff: Floats  # (B, 4 + F) [cost] per unit of error, second, joule, byte-hop and further objectives
    weights: Floats  # (B, D) preference in force (see objectives.py)
    uniforms: Floats  # (B, T, U) for codecs that round; U = 0 for the others


class Instance(NamedTuple):
    """A scenario with one draw per episode: all that `step` needs, the future included."""

    tables: Tables
    draw: Draw


class State(NamedTuple):
    """State that changes from slot to slot."""

    slot: Ints  # (B,) index of the slot about to be played
    resident: Residents  # (B, N, M) segment on the node, ready to be used, or EMPTY
    recent: Floats  # (B, R) [requests] smoothed past batches
    # what is on its way; (B, 0, 0) where loading is instant
    wish: Residents  # (B, N, M) segment that the node is loading, or EMPTY
    bytes_to_come: Floats  # (B, N, M) [bytes] of it, for one device
    seconds_to_come: Floats  # (B, N, M) [s] of start-up, which follow the last byte
    uplink: Residents  # (B, N) link that each node uses that has a choice, else EMPTY; (B, 0) without any
    # stores; (B, 0) without
    level: Floats  # (B, Z) in each store, in its unit
    off: Bools  # (B, Z) whether it fell to its cut-off and has not come back
    lasted: Ints  # (B,) slots until the first battery went off; those played where none has


class Action(NamedTuple):
    """The placement a policy asks for, which repair makes fit, and the links it has nodes use."""

    wanted: Residents  # (B, N, M) segment, or EMPTY; ignored where pinned
    uplink: Residents = NO_UPLINKS  # (B, N) link, or EMPTY: unchanged; (0, 0): all unchanged


class Outcome(NamedTuple):
    """Outcome of one slot, in physical quantities; no rewards here."""

    arrived: Floats  # (B, R) [requests]
    served: Floats  # (B, R) [requests]
    lost: Floats  # (B, R) [requests] whose messages were lost on the air, among the dropped
    correct: Floats  # (B, R) [requests] expected number answered correctly, by the accuracy in force
    latency: Floats  # (B, R) [s] summed over served requests, waiting included
    wait: Floats  # (B, R) [s] of it in queues; 0 where capacity is private
    energy: Floats  # (B, R) [J] spent on served requests, idle energy left out
    traffic: Floats  # (B, R) [byte-hops] of served requests
    charged: Floats  # (B, R, F) [unit] of further objectives, summed over served requests
    penalty: Floats  # (B, R, 4 + F) what drops add, by component: error 1, timeout, worst option
    late: Floats  # (B, R) [requests] that missed the deadline, drops included
    split: Floats  # (B, R) [requests] served by an option of two or more parts
    early: Floats  # (B, R) [requests] that left at an early exit
    started: Floats  # (B, R, L + 1) [requests] by the path position where they began; last: dropped
    # where quality is hidden, by stream; all but the first are written once the slot is over
    answered: Floats  # (B, a) [requests]
    confidence: Floats  # (B, a) summed over answers, as the networks give it; 0 where none was sampled
    squares: Floats  # (B, a) of the same confidences, summed over answers
    labelled: Floats  # (B, a) [requests] whose label arrived
    right: Floats  # (B, a) [requests] of these answered correctly
    samples: Floats  # (B, a) that the node has to adapt the model to, over the most that it keeps
    adapted: Floats  # (B, a) those of the version in force; 0: the catalogue's
    # by path position; what lies on several routes at its first one (`Tables.path_same_node`, `_link`)
    spent: Floats  # (B, R, L) [s] compute on the node; L = 0 where capacity is private
    sent: Floats  # (B, R, L) [bytes] over the link that enters the position; L = 0 where capacity is private
    tariff_cost: Floats  # (B,) [cost] at the tariff in force
    busy: Floats  # (B, N) [s] compute seconds used
    carried: Floats  # (B, E) [bytes] of requests that crossed each link
    node_utilisation: Floats  # (B, N) [1] `busy` over the slot's compute seconds; 0 where elastic
    link_utilisation: Floats  # (B, E) [1] `carried` over what the slot's rate, less loads, can carry
    node_wait: Floats  # (B, N) [s] mean wait W of a visit to the node's queue; 0 without waiting
    link_wait: Floats  # (B, E) [s] the same for links
    drawn: Floats  # (B, Z) by requests and loads, in the unit of the store
    drained: Floats  # (B, Z) whatever was served
    spilled: Floats  # (B, Z) beyond its capacity
    idle_energy: Floats  # (B,) [J]; a battery gives what it has
    idle_charged: Floats  # (B, F) [unit] of further objectives, whatever was served
    loaded: Floats  # (B, N) [bytes] newly resident on all devices; those that came, where it takes time
    load_bytes: Floats  # (B, E) [bytes] of loads that crossed each link
    load_traffic: Floats  # (B,) [byte-hops] of loads
    load_energy: Floats  # (B,) [J] of loads, on links
    load_charged: Floats  # (B, F) [unit] of loads, in further objectives
    in_flight: Ints  # (B,) loads that are not done at the end of the slot
    refused: Ints  # (B,) wished segments that repair turned down
    cells: Floats  # (B, ·) all numbers above that are not counted, row by row
