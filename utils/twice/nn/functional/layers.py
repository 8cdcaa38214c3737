"""Products, convolutions, pooling and norms."""

from collections.abc import Callable, Sequence
from typing import Any

from twice import functions
from twice.autograd import Tensor, mark_changed, op
from twice.kernels import conv as convs
from twice.kernels import linear as linears
from twice.kernels import norm as norms
from twice.kernels import pool as pools
from twice.nn.functional.lifting import check_axes, named, on_examples

Sizes = int | Sequence[int]

# ── products ────────────────────────────────────────────────────────────────────────────────────────────────────

_linear, _bilinear, _embedding = op(linears.linear), op(linears.bilinear), op(linears.embedding)
_one_hot = op(linears.one_hot)


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x wᵀ + b"""
    return _linear(input, weight, bias)


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x₁ᵀ w x₂ + b"""
    return _bilinear(input1, input2, weight, bias)


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """The rows of `weight` that the input names"""
    return _embedding(
        input,
        weight,
        padding_idx=padding_idx,
        max_norm=max_norm,
        norm_type=norm_type,
        scale_grad_by_freq=scale_grad_by_freq,
        sparse=sparse,
    )


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """1 where the class is the index, else 0"""
    return _one_hot(tensor, num_classes=num_classes)


# ── convolution ─────────────────────────────────────────────────────────────────────────────────────────────────

_conv, _conv_transpose = op(convs.conv), op(convs.conv_transpose)


def _check_kernel(where: str, rank: int, weight: Tensor) -> None:
    if weight.ndim != rank + 2:
        raise ValueError(f"{where}: weight has shape {weight.shape}, expected {rank + 2} axes")


def _convolution(rank: int) -> Callable[..., Tensor]:
    name = f"conv{rank}d"

    def function(
        input: Tensor,
        weight: Tensor,
        bias: Tensor | None = None,
        stride: Sizes = 1,
        padding: Sizes | str = 0,
        dilation: Sizes = 1,
        groups: int = 1,
    ) -> Tensor:
        _check_kernel(name, rank, weight)
        options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        return on_examples(name, _conv, rank, input, weight, bias, **options)

    return named(name, function, f"Convolution over {rank} spatial axes, weight (out, in/groups, …)")


def _transposed_convolution(rank: int) -> Callable[..., Tensor]:
    name = f"conv_transpose{rank}d"

    def function(
        input: Tensor,
        weight: Tensor,
        bias: Tensor | None = None,
        stride: Sizes = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        dilation: Sizes = 1,
    ) -> Tensor:
        _check_kernel(name, rank, weight)
        options = {"stride": stride, "padding": padding, "output_padding": output_padding}
        return on_examples(
            name, _conv_transpose, rank, input, weight, bias, groups=groups, dilation=dilation, **options
        )

    return named(name, function, f"Transposed convolution over {rank} spatial axes, weight (in, out/groups, …)")


conv1d, conv2d, conv3d = map(_convolution, (1, 2, 3))
conv_transpose1d, conv_transpose2d, conv_transpose3d = map(_transposed_convolution, (1, 2, 3))

# ── pooling ─────────────────────────────────────────────────────────────────────────────────────────────────────

_max_pool, _avg_pool, _lp_pool = op(pools.max_pool), op(pools.avg_pool), op(pools.lp_pool)
_adaptive_max_pool, _adaptive_avg_pool = op(pools.adaptive_max_pool), op(pools.adaptive_avg_pool)
_max_unpool = op(pools.max_unpool)


def _maximum(rank: int) -> Callable[..., Any]:
    name = f"max_pool{rank}d"

    def function(
        input: Tensor,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Any:
        return on_examples(
            name,
            _max_pool,
            rank,
            input,
            kernel_size=kernel_size,
            stride=stride or None,
            padding=padding,
            dilation=dilation,
            ceil_mode=ceil_mode,
            return_indices=return_indices,
        )

    return named(name, function, "The largest number of each window, and with `return_indices` its place")


def _average(rank: int) -> Callable[..., Tensor]:
    name = f"avg_pool{rank}d"

    def function(
        input: Tensor,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> Tensor:
        return on_examples(
            name,
            _avg_pool,
            rank,
            input,
            kernel_size=kernel_size,
            stride=stride or None,
            padding=padding,
            ceil_mode=ceil_mode,
            count_include_pad=count_include_pad,
            divisor_override=divisor_override,
        )

    return named(name, function, "The mean of each window")


def _power_mean(rank: int) -> Callable[..., Tensor]:
    name = f"lp_pool{rank}d"

    def function(
        input: Tensor, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False
    ) -> Tensor:
        options = {"kernel_size": kernel_size, "stride": stride or None, "ceil_mode": ceil_mode}
        return on_examples(name, _lp_pool, rank, input, norm_type=norm_type, **options)

    return named(name, function, "(Σ xᵖ)^(1/p) over each window")


def _adaptive_maximum(rank: int) -> Callable[..., Any]:
    name = f"adaptive_max_pool{rank}d"

    def function(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
        options = {"output_size": output_size, "return_indices": return_indices}
        return on_examples(name, _adaptive_max_pool, rank, input, **options)

    return named(name, function, "The largest numbers of as many windows as asked for")


def _adaptive_average(rank: int) -> Callable[..., Tensor]:
    name = f"adaptive_avg_pool{rank}d"

    def function(input: Tensor, output_size: Any) -> Tensor:
        return on_examples(name, _adaptive_avg_pool, rank, input, output_size=output_size)

    return named(name, function, "The means of as many windows as asked for")


def _maximum_undone(rank: int) -> Callable[..., Tensor]:
    name = f"max_unpool{rank}d"

    def function(
        input: Tensor,
        indices: Tensor,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        output_size: Any = None,
    ) -> Tensor:
        options = {"kernel_size": kernel_size, "stride": stride or None, "padding": padding}
        check_axes(name, input, rank)
        if input.ndim == rank + 2:
            return _max_unpool(input, indices, output_size=output_size, **options)
        batch = functions.unsqueeze(input, 0), functions.unsqueeze(indices, 0)
        return functions.squeeze(_max_unpool(*batch, output_size=output_size, **options), 0)

    return named(name, function, "The numbers at the places that `max_pool` returned, zero elsewhere")


max_pool1d, max_pool2d, max_pool3d = map(_maximum, (1, 2, 3))
_avg_pool1d, avg_pool2d, avg_pool3d = map(_average, (1, 2, 3))
lp_pool1d, lp_pool2d, lp_pool3d = map(_power_mean, (1, 2, 3))
adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = map(_adaptive_maximum, (1, 2, 3))
adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = map(_adaptive_average, (1, 2, 3))
max_unpool1d, max_unpool2d, max_unpool3d = map(_maximum_undone, (1, 2, 3))


def avg_pool1d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window"""
    return _avg_pool1d(input, kernel_size, stride, padding, ceil_mode, count_include_pad)


# ── norms ───────────────────────────────────────────────────────────────────────────────────────────────────────

_batch_norm, _instance_norm, _group_norm = op(norms.batch_norm), op(norms.instance_norm), op(norms.group_norm)
_layer_norm, _rms_norm, _response_norm = op(norms.layer_norm), op(norms.rms_norm), op(norms.local_response_norm)


def _updated(*running: Tensor | None) -> None:
    """The kernel has moved the running statistics in place."""
    for statistic in running:
        if statistic is not None:
            mark_changed(statistic)


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Each channel standardised over the batch, or by the running statistics"""
    arrays = input, weight, bias, running_mean, running_var
    out = _batch_norm(*arrays, training=training, momentum=momentum, eps=eps)
    if training:
        _updated(running_mean, running_var)
    return out


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Each channel of each example standardised"""
    arrays = input, weight, bias, running_mean, running_var
    out = _instance_norm(*arrays, use_input_stats=use_input_stats, momentum=momentum, eps=eps)
    if use_input_stats:
        _updated(running_mean, running_var)
    return out


def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """Each group of channels of each example standardised"""
    return _group_norm(input, weight, bias, num_groups=num_groups, eps=eps)


def layer_norm(
    input: Tensor,
    normalized_shape: Sizes,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """The last axes standardised"""
    return _layer_norm(input, weight, bias, normalized_shape=_whole(normalized_shape), eps=eps)


def rms_norm(input: Tensor, normalized_shape: Sizes, weight: Tensor | None = None, eps: float | None = None) -> Tensor:
    """The last axes divided by their root mean square"""
    return _rms_norm(input, weight, normalized_shape=_whole(normalized_shape), eps=eps)


def _whole(shape: Sizes) -> int | tuple[int, ...]:
    return shape if isinstance(shape, int) else tuple(shape)


def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """Each number divided by what its neighbours in the channels sum up to"""
    return _response_norm(input, size=size, alpha=alpha, beta=beta, k=k)


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: Any = None) -> Tensor:
    """x / max(‖x‖ₚ, ε) along an axis"""
    if out is not None:
        raise NotImplementedError("normalize: out is not supported, expected None")
    return functions.div(input, functions.clamp(functions.norm(input, p, dim, keepdim=True), min=eps))
