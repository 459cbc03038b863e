"""The table of operators is that of the known profiles, and cuts are where one tensor crosses."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from idn_gym.config_reader import ConfigError
from idn_gym.lab.networks.reference import VisionTransformer, mobilenet_v3_small, resnet
from idn_gym.lab.profiling.cuts import Cut, distinct, useful
from idn_gym.lab.profiling.graph import trace

PROFILES = json.loads(
    (Path(__file__).parents[3] / "experiments/shipped_data/catalog_sources/cut_profiles.json").read_text()
)


@pytest.mark.parametrize(
    ("name", "build", "published"),
    [
        ("resnet18", resnet, 1.814),
        ("mobilenetv3_small_100", mobilenet_v3_small, 0.057),
        ("vit_tiny_patch16_224", VisionTransformer, 1.26),
    ],
)
def test_profiles_match_the_committed_ones_and_the_published_work(name, build, published, macs_by_torch):
    network, picture = build().eval(), torch.zeros(1, 3, 224, 224)
    graph = trace(network, picture)
    profile = PROFILES[name]
    mine = [(list(c.shape), c.elements, c.macs_before, c.mac_layers_before) for c in distinct(graph.cuts())]
    keys = ("shape", "elements", "macs_before", "mac_layers_before")
    assert mine == [tuple(cut[key] for key in keys) for cut in profile["cuts"]]
    assert graph.macs == profile["total"]["macs"] == macs_by_torch(network, picture)
    assert graph.macs / 1e9 == pytest.approx(published, rel=0.01)


def test_parameters_behind_values_of_parameters_belong_to_the_first_user():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale, self.layer = nn.Parameter(torch.ones(5)), nn.Linear(5, 5)

        def forward(self, x):
            return self.layer(x * (2 * self.scale)) * self.scale

    start, *rows = trace(Scaled(), torch.zeros(1, 5)).operators
    assert (start.op, start.param_bytes) == ("input", 0)
    assert [(row.op, row.param_bytes, row.macs) for row in rows] == [
        ("aten.mul.Tensor", 20, 0),
        ("aten.linear.default", 120, 25),
        ("aten.mul.Tensor", 0, 0),
    ]


class Around(nn.Module):
    """A short cut around two layers, then two halves."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.third = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(4, 3)

    def forward(self, x):
        x = self.first(x)
        left, right = (x + self.second(x).relu()).chunk(2, 1)
        return self.third(left * right)


def test_a_cut_is_where_one_tensor_crosses():
    graph = trace(Around(), torch.zeros(1, 4))
    assert [cut.after for cut in graph.cuts()] == ["x", "linear", "add", "mul", "linear_2"]
    assert [row.inputs for row in graph.operators[:5]] == [(), (0,), (1,), (2,), (1, 3)]


def test_peak_memory_holds_everything_that_is_still_needed():
    graph = trace(Around(), torch.zeros(1, 4))
    # Input 16 B; while the relu runs, the short cut, its own input and its output: 3 x 32 B.
    assert [row.live_bytes for row in graph.operators][:5] == [16, 48, 64, 96, 96]
    cut = graph.cuts()[1]
    assert graph.peak_bytes((cut,)) == (48, 96)


def test_distinct_and_useful_cuts():
    def cut(after, elements, macs):
        return Cut(after, (1, elements), elements, macs, 0, 0)

    cuts = [
        cut("x", 9, 0),
        cut("conv", 8, 5),
        cut("relu", 8, 5),
        cut("conv2", 8, 7),
        cut("pool", 2, 7),
        cut("fc", 1, 9),
    ]
    assert [c.after for c in distinct(cuts)] == ["x", "conv", "conv2", "pool", "fc"]
    assert [c.after for c in useful(cuts, input_bytes=30, bytes_per_value=4)] == ["pool"]
    assert [c.after for c in useful(cuts, input_bytes=9, bytes_per_value=1)] == ["relu", "pool"]


def test_of_useful_cuts_alike_the_last_of_its_shape_counts():
    network = nn.Sequential(
        nn.Conv2d(1, 2, 3, 2), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(18, 2)
    )
    graph = trace(network.eval(), torch.zeros(1, 1, 13, 13))
    found = useful(graph.cuts(), input_bytes=169, bytes_per_value=1)
    assert [(cut.after, cut.shape) for cut in found] == [
        ("relu", (1, 2, 6, 6)),
        ("max_pool2d", (1, 2, 3, 3)),
    ], "flattened, the same values would have no channels"


def test_results_that_are_thrown_away_do_not_count():
    class Largest(nn.Module):
        def forward(self, x):
            return x.max(1)[0]

    rows = trace(Largest(), torch.zeros(1, 3)).operators
    assert [row.name for row in rows] == ["x", "max", "getitem"]
    assert [row.single for row in rows] == [True, False, True]


def test_modes_are_left_as_they_were():
    network = nn.Sequential(nn.Linear(3, 3), nn.Dropout(), nn.BatchNorm1d(3))
    network[2].eval()
    trace(network, torch.zeros(1, 3))
    assert [part.training for part in network.modules()] == [True, True, True, False]


class Only(nn.Module):
    """A network of one operation."""

    def __init__(self, operation):
        super().__init__()
        self.operation = operation

    def forward(self, x):
        return self.operation(x)


@pytest.mark.parametrize(
    ("operation", "macs"),
    [
        (nn.Conv1d(4, 6, 3, groups=2), 6 * 8 * 2 * 3),
        (nn.ConvTranspose1d(4, 6, 3), 4 * 10 * 6 * 3),
        (lambda x: x @ x.transpose(1, 2), 4 * 4 * 10),
        (lambda x: torch.einsum("bct,bdt->bcd", x, x), 4 * 4 * 10),
        (lambda x: nn.functional.scaled_dot_product_attention(x, x[:, :3], x[:, :3]), 4 * 3 * (10 + 10)),
        (
            lambda x: torch.einsum("...t,st,su->...u", x, torch.ones(5, 10), torch.ones(5, 2)),
            4 * 5 * (10 + 2),
        ),
        (
            lambda x: nn.functional.scaled_dot_product_attention(x[:, :1], x.expand(6, -1, -1), x[:, :4]),
            6 * 4 * (10 + 10),
        ),
        (lambda x: torch.baddbmm(x, x, torch.ones(1, 10, 10)), 4 * 10 * 10),
        (lambda x: x.unsqueeze(1) @ torch.ones(3, 10, 2), 3 * 4 * 10 * 2),
        (lambda x: torch.inner(x, torch.ones(7, 10)), 4 * 10 * 7),
        (lambda x: torch.linalg.matrix_power(x[..., :4], 3), 2 * 4 * 4 * 4),
        (lambda x: nn.functional.conv1d(weight=torch.ones(6, 4, 3), input=x), 6 * 8 * 4 * 3),
        (nn.ConvTranspose1d(4, 6, 3, stride=2, groups=2), 4 * 10 * 3 * 3),
        (lambda x: nn.functional.interpolate(x, scale_factor=2, mode="linear"), 0),
        (lambda x: nn.functional.normalize(x), 0),
    ],
)
def test_macs(operation, macs, macs_by_torch):
    network, example = Only(operation), torch.zeros(1, 4, 10)
    assert trace(network, example).macs == macs == macs_by_torch(network, example)


@pytest.mark.parametrize(
    ("operation", "macs"),
    [
        (lambda x: torch.addbmm(x[0, :, :2], x.expand(3, -1, -1), torch.ones(3, 10, 2)), 3 * 4 * 10 * 2),
        (lambda x: torch.addmv(x[0, :, 0], x[0], torch.ones(10)), 4 * 10),
        (lambda x: nn.functional.bilinear(x, x, torch.ones(2, 10, 10)), 4 * 2 * 10 * 10),
    ],
)
def test_macs_of_what_torch_does_not_count(operation, macs, macs_by_torch):
    network, example = Only(operation), torch.zeros(1, 4, 10)
    assert trace(network, example).macs == macs
    assert macs_by_torch(network, example) == 0, "torch counts it now; move it to the test above"


class Last(nn.Module):
    """What a recurrence says of the last step."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)[0][:, -1]


@pytest.mark.parametrize(
    ("layer", "per_step"),
    [
        (nn.LSTM(4, 6, batch_first=True), 4 * 6 * (4 + 6)),
        (nn.GRU(4, 6, num_layers=2, batch_first=True), 3 * 6 * (4 + 6 + 6 + 6)),
        (nn.RNN(4, 6, bidirectional=True, batch_first=True), 2 * 6 * (4 + 6)),
        (nn.LSTM(4, 6, proj_size=3, batch_first=True), 4 * 6 * (4 + 3) + 3 * 6),
    ],
)
def test_recurrences_multiply_every_weight_once_per_step(layer, per_step):
    graph = trace(Last(layer), torch.zeros(1, 10, 4))
    assert (graph.macs, graph.param_bytes) == (10 * per_step, 4 * sum(p.numel() for p in layer.parameters()))
    assert sum(row.mac_layers for row in graph.operators) == 1


def test_a_head_that_is_thrown_away_costs_nothing():
    class Auxiliary(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.out, self.aux = nn.Linear(4, 8), nn.Linear(8, 2), nn.Linear(8, 100)

        def forward(self, x):
            x = self.body(x).relu()
            self.aux(x).mul_(2).sum()
            return self.out(x)

    graph = trace(Auxiliary(), torch.zeros(1, 4))
    assert (graph.macs, graph.param_bytes) == (4 * 8 + 8 * 2, 4 * (4 * 8 + 8 + 8 * 2 + 2))
    assert max(row.live_bytes for row in graph.operators) == 64


@pytest.mark.parametrize(
    ("name", "operation"),
    [
        ("_cdist_forward", lambda x: torch.cdist(x, x)),
        ("linalg_inv", torch.linalg.inv),
        ("linalg_cholesky_ex", lambda x: torch.linalg.cholesky(x + torch.eye(4))),
        ("_fft_r2c", lambda x: torch.stft(x[0], 4, 1, center=False, return_complex=True).abs()),
    ],
)
def test_what_has_no_formula_is_refused(name, operation):
    with pytest.raises(ConfigError, match=rf"aten\.{name}.*no formula.*conv2d"):
        trace(Only(operation), torch.eye(4)[None])


def test_what_is_no_network_of_one_input_and_one_output_is_refused():
    class Two(nn.Module):
        def forward(self, x):
            return x + 1, x + 2

    for network in (Two(), Only(lambda x: (x + 1,)), Only(lambda x: {"x": x + 1})):
        with pytest.raises(ConfigError, match="return one"):
            trace(network, torch.zeros(1, 3))
    with pytest.raises(ConfigError, match="depends on its input"):
        trace(Only(lambda x: torch.ones(1, 3)), torch.zeros(1, 3))
    with pytest.raises(ConfigError, match=r"module: .* must be a torch\.nn\.Module"):
        trace(torch.relu, torch.zeros(1, 3))
    for example in ((torch.zeros(1, 3),), [torch.zeros(1, 3)], {"x": torch.zeros(1, 3)}, (1, 3), None):
        with pytest.raises(ConfigError, match=r"^example: .* is not allowed; must be one tensor"):
            trace(nn.Linear(3, 3), example)
    with pytest.raises(ConfigError, match=r"example: shape \(2, 3\).*must be 1"):
        trace(nn.Linear(3, 3), torch.zeros(2, 3))
    graph = trace(nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 2)), torch.zeros(1, 3))
    with pytest.raises(ConfigError, match=r"'fc'.*only after input, linear, relu, linear_1"):
        graph.ends((Cut("fc", (1,), 1, 0, 0, 0),))
    with pytest.raises(ConfigError, match="must rise"):
        graph.ends((graph.cuts()[2], graph.cuts()[1]))


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        (lambda x: x if x.sum() > 0 else -x, "cannot export it: .*depends on the data.* early exit"),
        (
            lambda x: x[:, : int(x.sum())] if int(x.sum()) > 1 else x,
            "cannot export it: .*depends on the data",
        ),
        (lambda x: x * x.sum().item(), "depends on data"),
        (lambda x: x[x > 0], "depends on data"),
        (nn.Linear(4, 2), "cannot export it: "),
        (nn.Bilinear(3, 3, 2), "cannot export it: "),
    ],
)
def test_what_cannot_be_exported_ends_in_one_sentence_and_no_dump(operation, message, capfd):
    with pytest.raises(ConfigError, match=f"^module: .*{message}") as caught:
        trace(Only(operation), torch.zeros(1, 3))
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300
    assert capfd.readouterr() == ("", "")


class Memory(nn.Module):
    """Adds up what it sees; its answer is told the sum or is not."""

    def __init__(self, told):
        super().__init__()
        self.told = told
        self.register_buffer("total", torch.zeros(()))

    def forward(self, x):
        self.total += x.sum() + 1
        return x + self.total if self.told else 2 * x


def test_a_network_that_remembers_is_refused_unless_its_answer_does_not():
    with pytest.raises(ConfigError, match="has a state: its answer depends on 'total'"):
        trace(Memory(told=True), torch.zeros(1, 3))
    network = Memory(told=False)
    assert trace(network, torch.zeros(1, 3)).param_bytes == 0
    assert network.total == 0, "a trial run must leave no trace"
