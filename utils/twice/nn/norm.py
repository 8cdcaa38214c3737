"""Normalisation, with the statistics that are tracked and the scale and shift that are learnt."""

from collections.abc import Sequence
from typing import Any

from twice import creation
from twice.autograd import Tensor
from twice.nn import functional as F
from twice.nn import init
from twice.nn.module import Module
from twice.nn.parameter import Parameter


class _Norm(Module):
    """What batch and instance norm share: a scale and a shift a channel, and running statistics."""

    ranks: tuple[int, ...]
    weight: Tensor | None
    bias: Tensor | None
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self,
        num_features: int,
        eps: float,
        momentum: float | None,
        affine: bool,
        track_running_stats: bool,
        bias: bool,
        device: Any,
        dtype: Any,
    ):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        options = {"device": device, "dtype": dtype}
        _register_affine(self, (num_features,), affine, affine and bias, **options)
        tracked = track_running_stats
        self.register_buffer("running_mean", creation.zeros(num_features, **options) if tracked else None)
        self.register_buffer("running_var", creation.ones(num_features, **options) if tracked else None)
        self.register_buffer("num_batches_tracked", creation.tensor(0, creation.int64) if tracked else None)

    def reset_running_stats(self) -> None:
        """As if nothing had been seen: mean 0, variance 1."""
        if self.track_running_stats:
            for statistic, start in (
                (self.running_mean, 0),
                (self.running_var, 1),
                (self.num_batches_tracked, 0),
            ):
                init.constant_(statistic, start)  # type: ignore[arg-type]

    def reset_parameters(self) -> None:
        """The statistics, and scale 1 and shift 0."""
        self.reset_running_stats()
        _reset_affine(self)

    def _check_axes(self, input: Tensor) -> None:
        if input.ndim not in self.ranks:
            expected = " or ".join(f"{rank}D" for rank in self.ranks)
            raise ValueError(f"{self._get_name()}: input has shape {input.shape}, expected {expected} input")

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


def _register_affine(module: Module, shape: tuple[int, ...], scale: bool, shift: bool, **options: Any) -> None:
    module.register_parameter("weight", Parameter(creation.ones(*shape, **options)) if scale else None)
    module.register_parameter("bias", Parameter(creation.zeros(*shape, **options)) if shift else None)


def _reset_affine(module: Any) -> None:
    if module.weight is not None:
        init.ones_(module.weight)
    if getattr(module, "bias", None) is not None:
        init.zeros_(module.bias)


class _BatchNorm(_Norm):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ):
        super().__init__(num_features, eps, momentum, affine, track_running_stats, bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        self._check_axes(input)
        update = self.training and self.track_running_stats
        if update and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)  # type: ignore[attr-defined]
        statistics = (self.running_mean, self.running_var) if update or not self.training else (None, None)
        by_batch = self.training or self.running_mean is None
        return F.batch_norm(
            input, *statistics, self.weight, self.bias, by_batch, self._share_of_batch(update), self.eps
        )

    def _share_of_batch(self, update: bool) -> float:
        """How far the statistics move; without a momentum they are the mean over all batches."""
        if self.momentum is not None:
            return self.momentum
        return 1 / int(self.num_batches_tracked) if update else 0.0  # type: ignore[call-overload]


class BatchNorm1d(_BatchNorm):
    """Each channel of (N, C) or (N, C, L) standardised over the batch"""

    ranks = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Each channel of (N, C, H, W) standardised over the batch"""

    ranks = (4,)


class BatchNorm3d(_BatchNorm):
    """Each channel of (N, C, D, H, W) standardised over the batch"""

    ranks = (5,)


class _InstanceNorm(_Norm):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ):
        super().__init__(num_features, eps, momentum, affine, track_running_stats, bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        self._check_axes(input)
        if input.ndim == self.ranks[0]:
            return self._normalised(input[None])[0]  # type: ignore[index]
        return self._normalised(input)

    def _normalised(self, input: Tensor) -> Tensor:
        arrays = self.running_mean, self.running_var, self.weight, self.bias
        by_example = self.training or not self.track_running_stats
        return F.instance_norm(input, *arrays, by_example, self.momentum or 0.0, self.eps)


class InstanceNorm1d(_InstanceNorm):
    """Each channel of each example of (N, C, L) or (C, L) standardised"""

    ranks = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    """Each channel of each example of (N, C, H, W) or (C, H, W) standardised"""

    ranks = (3, 4)


class InstanceNorm3d(_InstanceNorm):
    """Each channel of each example of (N, C, D, H, W) or (C, D, H, W) standardised"""

    ranks = (4, 5)


class GroupNorm(Module):
    """Each group of channels of each example standardised"""

    weight: Tensor | None
    bias: Tensor | None

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ):
        super().__init__()
        if num_channels % num_groups:
            raise ValueError(
                f"GroupNorm: num_channels is {num_channels}, expected a multiple of num_groups {num_groups}"
            )
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        _register_affine(self, (num_channels,), affine, affine and bias, device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        """Scale 1 and shift 0."""
        _reset_affine(self)

    def forward(self, input: Tensor) -> Tensor:
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        sizes = f"{self.num_groups}, {self.num_channels}, eps={self.eps}"
        return f"{sizes}, affine={self.affine}, bias={self.bias is not None}"


class LayerNorm(Module):
    """The last axes standardised"""

    weight: Tensor | None
    bias: Tensor | None

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ):
        super().__init__()
        whole = isinstance(normalized_shape, int)
        self.normalized_shape: tuple[int, ...] = (normalized_shape,) if whole else tuple(normalized_shape)  # type: ignore
        self.eps, self.elementwise_affine = eps, elementwise_affine
        shift = elementwise_affine and bias
        _register_affine(self, self.normalized_shape, elementwise_affine, shift, device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        """Scale 1 and shift 0."""
        _reset_affine(self)

    def forward(self, input: Tensor) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        affine = f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        return f"{self.normalized_shape}, eps={self.eps}, {affine}"


class RMSNorm(Module):
    """The last axes divided by their root mean square"""

    weight: Tensor | None

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ):
        super().__init__()
        whole = isinstance(normalized_shape, int)
        self.normalized_shape: tuple[int, ...] = (normalized_shape,) if whole else tuple(normalized_shape)  # type: ignore
        self.eps, self.elementwise_affine = eps, elementwise_affine
        scale = Parameter(creation.ones(*self.normalized_shape, device=device, dtype=dtype))
        self.register_parameter("weight", scale if elementwise_affine else None)

    def reset_parameters(self) -> None:
        """Scale 1."""
        _reset_affine(self)

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class LocalResponseNorm(Module):
    """Each number divided by what its neighbours in the channels sum up to"""

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0):
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, input: Tensor) -> Tensor:
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
