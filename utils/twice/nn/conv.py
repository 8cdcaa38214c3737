"""Convolutions and their transposes over 1, 2 or 3 spatial axes."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from twice import creation
from twice.autograd import Tensor
from twice.kernels.checks import as_tuple
from twice.nn import functional as F
from twice.nn import init
from twice.nn.module import Module
from twice.nn.parameter import Parameter

Sizes = int | Sequence[int]


class _ConvNd(Module):
    """What both directions share: the arguments, the parameters, how they begin and how they are shown."""

    rank: int
    transposed = False
    bias: Tensor | None
    padding: str | tuple[int, ...]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes,
        padding: Sizes | str,
        dilation: Sizes,
        output_padding: Sizes,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any,
        dtype: Any,
    ):
        super().__init__()
        name = type(self).__name__
        if groups <= 0 or in_channels % groups or out_channels % groups:
            raise ValueError(
                f"{name}: groups is {groups}, expected a divisor of in_channels {in_channels} "
                f"and of out_channels {out_channels}"
            )
        if padding_mode not in ("zeros", "reflect", "replicate", "circular"):
            raise ValueError(
                f"{name}: padding_mode is {padding_mode!r}, expected 'zeros', 'reflect', 'replicate' or 'circular'"
            )
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = as_tuple(name, "kernel_size", kernel_size, self.rank, 1)
        self.stride = as_tuple(name, "stride", stride, self.rank, 1)
        self.dilation = as_tuple(name, "dilation", dilation, self.rank, 1)
        self.output_padding = as_tuple(name, "output_padding", output_padding, self.rank, 0)
        self.padding_mode, self.padding = padding_mode, self._checked_padding(padding)
        first, second = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        shape = (first, second // groups, *self.kernel_size)
        self.weight = Parameter(creation.empty(*shape, device=device, dtype=dtype))
        self.register_parameter("bias", Parameter(creation.empty(out_channels, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def _checked_padding(self, padding: Sizes | str) -> str | tuple[int, ...]:
        name = type(self).__name__
        if not isinstance(padding, str):
            return as_tuple(name, "padding", padding, self.rank, 0)
        if padding not in ("same", "valid") or self.transposed:
            raise ValueError(
                f"{name}: padding is {padding!r}, expected numbers, or for a convolution 'same' or 'valid'"
            )
        if padding == "same" and any(s != 1 for s in self.stride):
            raise ValueError(f"{name}: padding is 'same' and stride {self.stride}, expected stride 1 with it")
        return padding

    def reset_parameters(self) -> None:
        """U(−1/√fan_in, 1/√fan_in) for both."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in, _ = init._calculate_fan_in_and_fan_out(self.weight)
            bound = 1 / math.sqrt(fan_in) if fan_in else 0
            init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        zeros, ones = (0,) * self.rank, (1,) * self.rank
        unlike_default = {
            "padding": self.padding != zeros,
            "dilation": self.dilation != ones,
            "output_padding": self.output_padding != zeros,
            "groups": self.groups != 1,
        }
        shown = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        shown += "".join(f", {name}={getattr(self, name)}" for name, differs in unlike_default.items() if differs)
        shown += ", bias=False" if self.bias is None else ""
        return shown + (f", padding_mode={self.padding_mode}" if self.padding_mode != "zeros" else "")


class _Conv(_ConvNd):
    function: Callable[..., Tensor]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes | str = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ):
        sizes = kernel_size, stride, padding, dilation, 0
        super().__init__(in_channels, out_channels, *sizes, groups, bias, padding_mode, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        padding: Any = self.padding
        if self.padding_mode != "zeros":
            input, padding = F.pad(input, self._border(), mode=self.padding_mode), 0
        return self.function(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)

    def _border(self) -> list[int]:
        """The padding as `F.pad` has it: (before, after) from the last axis; an odd 'same' has one more after."""
        if self.padding == "valid":
            return [0, 0] * self.rank
        if self.padding == "same":
            totals = [d * (k - 1) for k, d in zip(self.kernel_size, self.dilation)]
        else:
            totals = [2 * int(p) for p in self.padding]
        return [side for total in reversed(totals) for side in (total // 2, total - total // 2)]


class Conv1d(_Conv):
    """Convolution of (N, C, L) or (C, L)"""

    rank, function = 1, staticmethod(F.conv1d)


class Conv2d(_Conv):
    """Convolution of (N, C, H, W) or (C, H, W)"""

    rank, function = 2, staticmethod(F.conv2d)


class Conv3d(_Conv):
    """Convolution of (N, C, D, H, W) or (C, D, H, W)"""

    rank, function = 3, staticmethod(F.conv3d)


class _ConvTranspose(_ConvNd):
    transposed = True
    function: Callable[..., Tensor]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Sizes = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ):
        if padding_mode != "zeros":
            raise ValueError(f"{type(self).__name__}: padding_mode is {padding_mode!r}, expected 'zeros'")
        sizes = kernel_size, stride, padding, dilation, output_padding
        super().__init__(in_channels, out_channels, *sizes, groups, bias, padding_mode, device, dtype)

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        extra = self.output_padding if output_size is None else self._extra(input, output_size)
        options = self.stride, self.padding, extra, self.groups, self.dilation
        return self.function(input, self.weight, self.bias, *options)

    def _extra(self, input: Tensor, output_size: Sequence[int]) -> tuple[int, ...]:
        """The output padding that gives the size asked for."""
        asked = tuple(output_size)[-self.rank :]
        axes = zip(input.shape[-self.rank :], self.kernel_size, self.stride, self.padding, self.dilation)
        least = [(n - 1) * s - 2 * p + d * (k - 1) + 1 for n, k, s, p, d in axes]  # type: ignore[operator]
        extra = tuple(a - m for a, m in zip(asked, least))
        if len(asked) != self.rank or any(not 0 <= e < s for e, s in zip(extra, self.stride)):
            most = [m + s - 1 for m, s in zip(least, self.stride)]
            raise ValueError(
                f"{type(self).__name__}: output_size is {tuple(output_size)}, expected from {least} to {most}"
            )
        return extra


class ConvTranspose1d(_ConvTranspose):
    """Transposed convolution of (N, C, L) or (C, L)"""

    rank, function = 1, staticmethod(F.conv_transpose1d)


class ConvTranspose2d(_ConvTranspose):
    """Transposed convolution of (N, C, H, W) or (C, H, W)"""

    rank, function = 2, staticmethod(F.conv_transpose2d)


class ConvTranspose3d(_ConvTranspose):
    """Transposed convolution of (N, C, D, H, W) or (C, D, H, W)"""

    rank, function = 3, staticmethod(F.conv_transpose3d)
