"""Three well-known networks with random weights, to profile, to cut and to time devices with.

Built after the published architectures: ResNet (He et al. 2016), MobileNetV3-Small (Howard et al.
2019) and ViT-Tiny (Dosovitskiy et al. 2021; Touvron et al. 2021). Their operations, layers and
activations equal those of the timm networks of the same name.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


class Residual(nn.Module):
    """Two 3x3 convolutions with a short cut around them."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *grouped_convolution(inputs, outputs, 3, stride),
            nn.ReLU(inplace=True),
            *grouped_convolution(outputs, outputs, 3),
        )
        changes = stride > 1 or inputs != outputs
        self.short = (
            nn.Sequential(*grouped_convolution(inputs, outputs, 1, stride)) if changes else nn.Identity()
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) to (B, outputs, H / stride, W / stride)."""
        return functional.relu(self.body(x).add_(self.short(x)), inplace=True)


def resnet(blocks: tuple[int, ...] = (2, 2, 2, 2), width: int = 64, classes: int = 1000) -> nn.Sequential:
    """ResNet-18 by default: (B, 3, H, W) pictures to (B, classes) logits.

    Args:
        blocks: residual blocks per stage; each stage after the first halves the map and doubles the width.
        width: channels of the first stage.
        classes: logits.
    """
    layers: list[nn.Module] = [
        *grouped_convolution(3, width, 7, 2),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2, 1),
    ]
    inputs = width
    for stage, count in enumerate(blocks):
        for block in range(count):
            outputs = width << stage
            layers.append(Residual(inputs, outputs, 2 if stage and not block else 1))
            inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, classes))


class SqueezeExcite(nn.Module):
    """Scales channels by what their means say."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        # A quarter of the channels, rounded to a multiple of 8, by less than a tenth downwards.
        squeezed = max(8, (channels // 4 + 4) // 8 * 8)
        squeezed += 8 * (squeezed < 0.9 * channels / 4)
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, squeezed, 1), nn.ReLU(),
            nn.Conv2d(squeezed, channels, 1), nn.Hardsigmoid(),
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) to the same shape."""
        return x * self.gate(x)


class Inverted(nn.Module):
    """MobileNet's block: expand, convolve each channel by itself, squeeze and excite, project."""

    def __init__(
        self, inputs: int, middle: int, outputs: int, kernel: int, stride: int, excite: bool, swish: bool
    ) -> None:
        super().__init__()
        act = nn.Hardswish if swish else nn.ReLU
        expand = [*grouped_convolution(inputs, middle, 1), act()] if middle != inputs else []
        self.body = nn.Sequential(
            *expand,
            *grouped_convolution(middle, middle, kernel, stride, groups=middle),
            act(),
            *([SqueezeExcite(middle)] if excite else []),
            *grouped_convolution(middle, outputs, 1),
        )
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, inputs, H, W) to (B, outputs, H / stride, W / stride)."""
        return x + self.body(x) if self.adds else self.body(x)


MOBILENET_SMALL = (
    (16, 16, 16, 3, 2, True, False), (16, 72, 24, 3, 2, False, False), (24, 88, 24, 3, 1, False, False),
    (24, 96, 40, 5, 2, True, True), (40, 240, 40, 5, 1, True, True), (40, 240, 40, 5, 1, True, True),
    (40, 120, 48, 5, 1, True, True), (48, 144, 48, 5, 1, True, True), (48, 288, 96, 5, 2, True, True),
    (96, 576, 96, 5, 1, True, True), (96, 576, 96, 5, 1, True, True),
)  # fmt: skip
"""arguments of `Inverted`, block by block"""


def mobilenet_v3_small(classes: int = 1000) -> nn.Sequential:
    """MobileNetV3-Small: (B, 3, H, W) pictures to (B, classes) logits."""
    return nn.Sequential(
        *grouped_convolution(3, 16, 3, 2), nn.Hardswish(), *(Inverted(*block) for block in MOBILENET_SMALL),
        *grouped_convolution(96, 576, 1), nn.Hardswish(), nn.AdaptiveAvgPool2d(1),
        nn.Conv2d(576, 1024, 1), nn.Hardswish(), nn.Flatten(), nn.Linear(1024, classes),
    )  # fmt: skip


class Transformer(nn.Module):
    """Attention and a perceptron, each normalised before and added after."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mix, self.join = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.perceptron = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, tokens, width) to the same shape."""
        batch, tokens, width = x.shape
        mixed = self.mix(self.before(x)).reshape(batch, tokens, 3, self.heads, width // self.heads)
        query, key, value = mixed.permute(2, 0, 3, 1, 4).unbind(0)
        seen = functional.scaled_dot_product_attention(query, key, value)
        x = x + self.join(seen.transpose(1, 2).reshape(batch, tokens, width))
        return x + self.perceptron(self.between(x))


class VisionTransformer(nn.Module):
    """ViT-Tiny by default: (B, 3, side, side) pictures to (B, classes) logits.

    Args:
        width: of a token.
        heads: of attention.
        depth: transformer blocks.
        side: of the picture [pixels].
        patch: side of the square that becomes a token [pixels].
        classes: logits.
    """

    def __init__(
        self, width: int = 192, heads: int = 3, depth: int = 12, side: int = 224, patch: int = 16,
        classes: int = 1000,
    ) -> None:  # fmt: skip
        super().__init__()
        self.patches = nn.Conv2d(3, width, patch, patch)
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.place = nn.Parameter(0.02 * torch.randn(1, (side // patch) ** 2 + 1, width))
        self.blocks = nn.Sequential(*(Transformer(width, heads) for _ in range(depth)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits (B, classes) of pictures (B, 3, side, side)."""
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(x.shape[0], -1, -1), tokens], 1) + self.place
        answer: torch.Tensor = self.head(self.norm(self.blocks(tokens))[:, 0])
        return answer


def grouped_convolution(
    inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1
) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
    """A convolution without bias that keeps the map's side at stride 1, and its normalisation."""
    return (
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    )
