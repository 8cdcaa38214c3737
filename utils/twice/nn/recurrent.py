"""Recurrent layers, stacked and in both directions, and their single steps."""

import math
import warnings
from typing import Any

import numpy as np

from twice import creation
from twice.autograd import Tensor
from twice.functions import squeeze, transpose, unsqueeze
from twice.nn import init
from twice.nn.functional import sequence as kernels
from twice.nn.module import Module
from twice.nn.parameter import Parameter
from twice.nn.utils.rnn import PackedSequence, lengths_of, packed_like, padded_steps

GATES = {"RNN_TANH": 1, "RNN_RELU": 1, "LSTM": 4, "GRU": 3}


class RNNBase(Module):
    """What RNN, LSTM and GRU share: the parameters of all layers and directions, and the shapes around them."""

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ):
        super().__init__()
        _check_sizes(mode, input_size, hidden_size, num_layers, dropout, proj_size)
        self.mode, self.input_size, self.hidden_size, self.num_layers = mode, input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, float(dropout)
        self.bidirectional, self.proj_size = bidirectional, proj_size
        self._all_weights: list[list[str]] = []
        for layer in range(num_layers):
            for suffix in ("", "_reverse") if bidirectional else ("",):
                self._add_weights(layer, suffix, device, dtype)
        self.reset_parameters()

    def _add_weights(self, layer: int, suffix: str, device: Any, dtype: Any) -> None:
        rows, out = GATES[self.mode] * self.hidden_size, self.proj_size or self.hidden_size
        features = out * (2 if self.bidirectional else 1) if layer else self.input_size
        shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, features), "weight_hh": (rows, out)}
        if self.bias:
            shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
        if self.proj_size:
            shapes["weight_hr"] = (self.proj_size, self.hidden_size)
        names = {f"{name}_l{layer}{suffix}": shape for name, shape in shapes.items()}
        for name, shape in names.items():
            setattr(self, name, Parameter(creation.empty(*shape, device=device, dtype=dtype)))
        self._all_weights.append(list(names))

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters, a list for each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    @property
    def _flat_weights(self) -> list[Parameter]:
        return [weight for weights in self.all_weights for weight in weights]

    def flatten_parameters(self) -> None:
        """Nothing to do here: torch arranges its GPU memory."""

    def reset_parameters(self) -> None:
        """U(−1/√hidden, 1/√hidden) for all."""
        bound = 1 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    # ── shapes around the layers ────────────────────────────────────────────────────────────────────────────────

    def _layers(self, x: Tensor, *states: Tensor, lengths: np.ndarray | None) -> tuple[Tensor, ...]:
        """y (T, B, D·H) and the final states, given x (T, B, I) and the first states (L·D, B, H)."""
        raise NotImplementedError

    def _options(self, lengths: np.ndarray | None) -> dict[str, Any]:
        return {
            "num_layers": self.num_layers,
            "bias": self.bias,
            "bidirectional": self.bidirectional,
            "dropout": self.dropout,
            "training": self.training,
            "rng": creation.random_source(),
            "lengths": lengths,
        }

    def _state_sizes(self) -> tuple[int, ...]:
        return (self.hidden_size,)

    def _as_states(self, hx: Any) -> tuple[Tensor, ...]:
        return (hx,)

    def _as_hidden(self, states: list[Tensor]) -> Any:
        return states[0]

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        if isinstance(input, PackedSequence):
            return self._forward_packed(input, hx)
        if input.ndim not in (2, 3):
            raise ValueError(f"{self._get_name()}: input has shape {input.shape}, expected 2 or 3 axes")
        batched = input.ndim == 3
        time_first = not (batched and self.batch_first)
        x = (input if time_first else transpose(input, 0, 1)) if batched else unsqueeze(input, 1)
        states = None if hx is None else [s if batched else unsqueeze(s, 1) for s in self._as_states(hx)]
        y, *final = self._layers(x, *self._first_states(x, states), lengths=None)
        if not batched:
            return squeeze(y, 1), self._as_hidden([squeeze(s, 1) for s in final])
        return (y if time_first else transpose(y, 0, 1)), self._as_hidden(final)

    def _forward_packed(self, input: PackedSequence, hx: Any) -> tuple[PackedSequence, Any]:
        x, lengths = padded_steps(input), lengths_of(input)
        states = None if hx is None else [_reordered(s, input.sorted_indices) for s in self._as_states(hx)]
        y, *final = self._layers(x, *self._first_states(x, states), lengths=lengths)
        hidden = self._as_hidden([_reordered(s, input.unsorted_indices) for s in final])
        return packed_like(input, y), hidden

    def _first_states(self, x: Tensor, states: list[Tensor] | None) -> list[Tensor]:
        """The states that were given, of the right shape, or zeros."""
        if x.shape[-1] != self.input_size:
            raise ValueError(
                f"{self._get_name()}: input has {x.shape[-1]} features, expected input_size {self.input_size}"
            )
        layers = self.num_layers * (2 if self.bidirectional else 1)
        shapes = [(layers, x.shape[1], size) for size in self._state_sizes()]
        if states is None:
            return [creation.zeros(*shape, dtype=x.dtype) for shape in shapes]
        if len(states) != len(shapes):
            raise ValueError(f"{self._get_name()}: hx has {len(states)} states, expected {len(shapes)}")
        for state, shape in zip(states, shapes):
            if state.shape != shape:
                raise ValueError(f"{self._get_name()}: hx has shape {state.shape}, expected {shape}")
        return states

    def extra_repr(self) -> str:
        defaults = {
            "proj_size": 0,
            "num_layers": 1,
            "bias": True,
            "batch_first": False,
            "dropout": 0.0,
            "bidirectional": False,
            "reset_after": True,
        }
        unlike = [f"{k}={getattr(self, k)}" for k, default in defaults.items() if getattr(self, k, default) != default]
        return ", ".join([f"{self.input_size}, {self.hidden_size}", *unlike])


def _check_sizes(mode: str, input_size: int, hidden_size: int, num_layers: int, dropout: float, proj_size: int) -> None:
    for name, value in {"input_size": input_size, "hidden_size": hidden_size, "num_layers": num_layers}.items():
        if not isinstance(value, int) or value < 1:
            raise ValueError(f"{mode}: {name} is {value!r}, expected a whole number of at least 1")
    if isinstance(dropout, bool) or not 0 <= dropout <= 1:
        raise ValueError(f"{mode}: dropout is {dropout!r}, expected a probability between 0 and 1")
    if not 0 <= proj_size < hidden_size:
        raise ValueError(f"{mode}: proj_size is {proj_size}, expected less than hidden_size {hidden_size}, or 0")
    if dropout and num_layers == 1:
        warnings.warn(f"{mode}: dropout is {dropout} but acts between layers, and there is one layer", stacklevel=4)


def _reordered(state: Tensor, order: Tensor | None) -> Tensor:
    """The examples of a state (L·D, B, H) in another order."""
    return state if order is None else state[:, order.array]  # type: ignore[index]


class RNN(RNNBase):
    """h_t = tanh or relu of (W_ih x_t + b_ih + W_hh h_{t−1} + b_hh)"""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
    ):
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"RNN: nonlinearity is {nonlinearity!r}, expected 'tanh' or 'relu'")
        options = {"dropout": dropout, "bidirectional": bidirectional, "device": device, "dtype": dtype}
        mode = f"RNN_{nonlinearity.upper()}"
        super().__init__(mode, input_size, hidden_size, num_layers, bias, batch_first, **options)
        self.nonlinearity = nonlinearity

    def _layers(self, x: Tensor, *states: Tensor, lengths: np.ndarray | None) -> tuple[Tensor, ...]:
        options = {"nonlinearity": self.nonlinearity, **self._options(lengths)}
        return kernels.rnn_stack(x, *states, *self._flat_weights, kind="rnn", **options)


class LSTM(RNNBase):
    """Long short-term memory: gates i f g o, c_t = f c_{t−1} + i g, h_t = o tanh c_t"""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ):
        sizes = num_layers, bias, batch_first, dropout, bidirectional, proj_size, device, dtype
        super().__init__("LSTM", input_size, hidden_size, *sizes)

    def _state_sizes(self) -> tuple[int, ...]:
        return self.proj_size or self.hidden_size, self.hidden_size

    def _as_states(self, hx: Any) -> tuple[Tensor, ...]:
        return tuple(hx)

    def _as_hidden(self, states: list[Tensor]) -> Any:
        return tuple(states)

    def _layers(self, x: Tensor, *states: Tensor, lengths: np.ndarray | None) -> tuple[Tensor, ...]:
        options = {"proj_size": self.proj_size, **self._options(lengths)}
        return kernels.lstm_stack(x, *states, *self._flat_weights, **options)


class GRU(RNNBase):
    """Gated recurrent unit: gates r z n, h_t = (1 − z) n + z h_{t−1}. `reset_after=False` is the paper's form."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        reset_after: bool = True,
    ):
        sizes = num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype
        super().__init__("GRU", input_size, hidden_size, *sizes)
        self.reset_after = reset_after

    def _layers(self, x: Tensor, *states: Tensor, lengths: np.ndarray | None) -> tuple[Tensor, ...]:
        options = {"reset_after": self.reset_after, **self._options(lengths)}
        return kernels.rnn_stack(x, *states, *self._flat_weights, kind="gru", **options)


# ── one step ────────────────────────────────────────────────────────────────────────────────────────────────────


class RNNCellBase(Module):
    """What the three cells share."""

    bias_ih: Tensor | None
    bias_hh: Tensor | None

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool, num_chunks: int, device: Any = None, dtype: Any = None
    ):
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        rows, options = num_chunks * hidden_size, {"device": device, "dtype": dtype}
        self.weight_ih = Parameter(creation.empty(rows, input_size, **options))
        self.weight_hh = Parameter(creation.empty(rows, hidden_size, **options))
        self.register_parameter("bias_ih", Parameter(creation.empty(rows, **options)) if bias else None)
        self.register_parameter("bias_hh", Parameter(creation.empty(rows, **options)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """U(−1/√hidden, 1/√hidden) for all."""
        bound = 1 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def _weights(self) -> tuple[Tensor | None, ...]:
        return self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh

    def _batch(self, input: Tensor, states: tuple[Tensor, ...] | None, count: int) -> tuple[Tensor, ...]:
        """The input (B, I) and the states (B, H), zero where none were given."""
        if input.ndim not in (1, 2):
            raise ValueError(f"{self._get_name()}: input has shape {input.shape}, expected (B, I) or (I)")
        if states is None:
            states = (creation.zeros(*input.shape[:-1], self.hidden_size, dtype=input.dtype),) * count
        return tuple(t if input.ndim == 2 else unsqueeze(t, 0) for t in (input, *states))

    def extra_repr(self) -> str:
        shown = f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else f", bias={self.bias}")
        nonlinearity = getattr(self, "nonlinearity", "tanh")
        return shown + (f", nonlinearity={nonlinearity}" if nonlinearity != "tanh" else "")


class RNNCell(RNNCellBase):
    """One step of `RNN`"""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ):
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        arrays = self._batch(input, None if hx is None else (hx,), 1)
        h = kernels.rnn_cell(*arrays, *self._weights(), nonlinearity=self.nonlinearity)
        return h if input.ndim == 2 else squeeze(h, 0)


class LSTMCell(RNNCellBase):
    """One step of `LSTM`"""

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None):
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = kernels.lstm_cell(*self._batch(input, hx, 2), *self._weights())
        return (h, c) if input.ndim == 2 else (squeeze(h, 0), squeeze(c, 0))


class GRUCell(RNNCellBase):
    """One step of `GRU`"""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        reset_after: bool = True,
    ):
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)
        self.reset_after = reset_after

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        arrays = self._batch(input, None if hx is None else (hx,), 1)
        h = kernels.gru_cell(*arrays, *self._weights(), reset_after=self.reset_after)
        return h if input.ndim == 2 else squeeze(h, 0)
