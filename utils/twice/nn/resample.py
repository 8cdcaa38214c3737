"""Images at other places: resized, shuffled, cut into patches, padded; and axes merged or split."""

from collections.abc import Sequence
from typing import Any

from twice.autograd import Tensor
from twice.functions import flatten, unflatten
from twice.nn import functional as F
from twice.nn.module import Module
from twice.nn.pool import repeated

Sizes = int | Sequence[int]

# ── axes ────────────────────────────────────────────────────────────────────────────────────────────────────────


class Identity(Module):
    """What comes in goes out"""

    def __init__(self, *_: Any, **__: Any):
        super().__init__()

    def forward(self, input: Any) -> Any:
        return input


class Flatten(Module):
    """Several axes as one; all but the batch unless told otherwise"""

    def __init__(self, start_dim: int = 1, end_dim: int = -1):
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Tensor) -> Tensor:
        return flatten(input, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """One axis as several"""

    def __init__(self, dim: int, unflattened_size: Sequence[int]):
        super().__init__()
        if not isinstance(dim, int):
            raise NotImplementedError(f"Unflatten: dim is {dim!r}, expected a number: named axes are not supported")
        self.dim, self.unflattened_size = dim, unflattened_size

    def forward(self, input: Tensor) -> Tensor:
        return unflatten(input, self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"


# ── sizes ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Upsample(Module):
    """(N, C, …) in another size"""

    def __init__(
        self,
        size: Sizes | None = None,
        scale_factor: Any = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ):
        super().__init__()
        self.size, self.mode, self.align_corners = size, mode, align_corners
        several = isinstance(scale_factor, tuple)
        one = float(scale_factor) if scale_factor and not several else None
        self.scale_factor = tuple(map(float, scale_factor)) if several else one
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, input: Tensor) -> Tensor:
        size = self.size, self.scale_factor
        return F.interpolate(input, *size, self.mode, self.align_corners, self.recompute_scale_factor)

    def extra_repr(self) -> str:
        by_factor = self.scale_factor is not None
        size = f"scale_factor={self.scale_factor!r}" if by_factor else f"size={self.size!r}"
        return f"{size}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """(N, C, H, W) in another size, each number the nearest one"""

    def __init__(self, size: Sizes | None = None, scale_factor: Any = None):
        super().__init__(size, scale_factor, mode="nearest")


class UpsamplingBilinear2d(Upsample):
    """(N, C, H, W) in another size, bilinear, corner on corner"""

    def __init__(self, size: Sizes | None = None, scale_factor: Any = None):
        super().__init__(size, scale_factor, mode="bilinear", align_corners=True)


# ── shuffles and patches ────────────────────────────────────────────────────────────────────────────────────────


class PixelShuffle(Module):
    """(…, C r², H, W) → (…, C, H r, W r)"""

    def __init__(self, upscale_factor: int):
        super().__init__()
        self.upscale_factor = upscale_factor

    def forward(self, input: Tensor) -> Tensor:
        return F.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self) -> str:
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """(…, C, H r, W r) → (…, C r², H, W)"""

    def __init__(self, downscale_factor: int):
        super().__init__()
        self.downscale_factor = downscale_factor

    def forward(self, input: Tensor) -> Tensor:
        return F.pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self) -> str:
        return f"downscale_factor={self.downscale_factor}"


class ChannelShuffle(Module):
    """The channels, of every group one in turn"""

    def __init__(self, groups: int):
        super().__init__()
        self.groups = groups

    def forward(self, input: Tensor) -> Tensor:
        return F.channel_shuffle(input, self.groups)

    def extra_repr(self) -> str:
        return f"groups={self.groups}"


class Unfold(Module):
    """Every window as a column: (N, C, H, W) → (N, C·k, L)"""

    def __init__(self, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1):
        super().__init__()
        self.kernel_size, self.dilation, self.padding, self.stride = kernel_size, dilation, padding, stride

    def forward(self, input: Tensor) -> Tensor:
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        windows = f"kernel_size={self.kernel_size}, dilation={self.dilation}"
        return f"{windows}, padding={self.padding}, stride={self.stride}"


class Fold(Module):
    """Every column back to its window, sums where they overlap: (N, C·k, L) → (N, C, H, W)"""

    def __init__(
        self, output_size: Sizes, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1
    ):
        super().__init__()
        self.output_size, self.kernel_size = output_size, kernel_size
        self.dilation, self.padding, self.stride = dilation, padding, stride

    def forward(self, input: Tensor) -> Tensor:
        windows = self.kernel_size, self.dilation, self.padding, self.stride
        return F.fold(input, self.output_size, *windows)

    def extra_repr(self) -> str:
        windows = f"output_size={self.output_size}, kernel_size={self.kernel_size}"
        return f"{windows}, dilation={self.dilation}, padding={self.padding}, stride={self.stride}"


# ── borders ─────────────────────────────────────────────────────────────────────────────────────────────────────


class _Pad(Module):
    """A border around the last `rank` axes, the same on all sides or (before, after) from the last axis."""

    rank: int
    mode = "constant"

    def __init__(self, padding: Sizes):
        super().__init__()
        self.padding = repeated(padding, 2 * self.rank)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad1d(_Pad):
    """A border of zeros around (…, L)"""

    rank = 1


class ZeroPad2d(_Pad):
    """A border of zeros around (…, H, W)"""

    rank = 2


class ZeroPad3d(_Pad):
    """A border of zeros around (…, D, H, W)"""

    rank = 3


class _ConstantPad(_Pad):
    def __init__(self, padding: Sizes, value: float):
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """A border of one value around (…, L)"""

    rank = 1


class ConstantPad2d(_ConstantPad):
    """A border of one value around (…, H, W)"""

    rank = 2


class ConstantPad3d(_ConstantPad):
    """A border of one value around (…, D, H, W)"""

    rank = 3


class ReflectionPad1d(_Pad):
    """(…, L) mirrored at its border"""

    rank, mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """(…, H, W) mirrored at its border"""

    rank, mode = 2, "reflect"


class ReflectionPad3d(_Pad):
    """(…, D, H, W) mirrored at its border"""

    rank, mode = 3, "reflect"


class ReplicationPad1d(_Pad):
    """(…, L) with its border repeated"""

    rank, mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """(…, H, W) with its border repeated"""

    rank, mode = 2, "replicate"


class ReplicationPad3d(_Pad):
    """(…, D, H, W) with its border repeated"""

    rank, mode = 3, "replicate"


class CircularPad1d(_Pad):
    """(…, L) continued from its other side"""

    rank, mode = 1, "circular"


class CircularPad2d(_Pad):
    """(…, H, W) continued from its other side"""

    rank, mode = 2, "circular"


class CircularPad3d(_Pad):
    """(…, D, H, W) continued from its other side"""

    rank, mode = 3, "circular"
