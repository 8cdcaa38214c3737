"""Arguments that no layer can take: each is named, with what was expected. And what the engine offers beyond torch."""

import numpy as np
import pytest

import twice
from twice import nn

X = (2, 4, 8, 8)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.Conv2d(4, 6, 3, groups=3), "groups is 3, expected a divisor of in_channels 4"),
        (lambda: nn.Conv2d(4, 6, 3, padding_mode="same"), "padding_mode is 'same'"),
        (lambda: nn.Conv2d(4, 6, 3, padding="full"), "padding is 'full'"),
        (lambda: nn.Conv2d(4, 6, 3, padding="same", stride=2), "padding is 'same' and stride"),
        (lambda: nn.Conv2d(4, 6, (3, 3, 3)), r"kernel_size is \(3, 3, 3\), expected 2 whole numbers"),
        (lambda: nn.Conv2d(4, 6, 0), "kernel_size is 0"),
        (lambda: nn.ConvTranspose2d(4, 6, 3, padding="same"), "padding is 'same'"),
        (lambda: nn.ConvTranspose2d(4, 6, 3, padding_mode="reflect"), "padding_mode is 'reflect', expected 'zeros'"),
        (
            lambda: nn.ConvTranspose2d(4, 6, 3, stride=2)(twice.ones(*X), output_size=(30, 30)),
            r"output_size is \(30, 30\), expected from \[17, 17\] to \[18, 18\]",
        ),
        (lambda: nn.Conv2d(4, 6, 3)(twice.ones(2, 5, 8, 8)), "x has 5 channels, expected 4"),
        (lambda: nn.Dropout(1.2), "p is 1.2"),
        (lambda: nn.BatchNorm2d(4)(twice.ones(2, 4)), r"BatchNorm2d: input has shape \(2, 4\), expected 4D input"),
        (lambda: nn.BatchNorm1d(4)(twice.ones(*X)), "expected 2D or 3D input"),
        (lambda: nn.GroupNorm(3, 4), "num_channels is 4, expected a multiple of num_groups 3"),
        (lambda: nn.Hardtanh(1.0, 1.0), "min_val is 1.0, expected less than max_val 1.0"),
        (lambda: nn.Softmax2d()(twice.ones(2, 2)), "Softmax2d: input has shape"),
        (lambda: nn.Embedding(3, 2, padding_idx=3), "padding_idx is 3, expected one of 3 rows"),
        (lambda: nn.Embedding(3, 2, _weight=twice.ones(2, 2)), r"_weight has shape \(2, 2\), expected \(3, 2\)"),
        (lambda: nn.Embedding.from_pretrained(twice.ones(2)), "expected 2 axes"),
        (lambda: nn.RNN(3, 4, nonlinearity="gelu"), "nonlinearity is 'gelu', expected 'tanh' or 'relu'"),
        (lambda: nn.LSTM(3, 0), "hidden_size is 0, expected a whole number of at least 1"),
        (lambda: nn.LSTM(3, 4, dropout=2), "dropout is 2"),
        (lambda: nn.LSTM(3, 4, proj_size=4), "proj_size is 4, expected less than hidden_size 4"),
        (lambda: nn.GRU(3, 4)(twice.ones(2, 2, 5)), "input has 5 features, expected input_size 3"),
        (lambda: nn.GRU(3, 4)(twice.ones(2)), r"input has shape \(2,\), expected 2 or 3 axes"),
        (lambda: nn.GRU(3, 4)(twice.ones(2, 2, 3), twice.ones(1, 1, 4)), r"hx has shape \(1, 1, 4\), expected \(1, 2"),
        (lambda: nn.LSTM(3, 4)(twice.ones(2, 2, 3), (twice.ones(1, 2, 4),)), "LSTM: hx has 1 states, expected 2"),
        (lambda: nn.GRUCell(3, 4)(twice.ones(1, 2, 3)), r"expected \(B, I\) or \(I\)"),
        (lambda: nn.MultiheadAttention(5, 2), "embed_dim is 5, expected a multiple of num_heads 2"),
        (lambda: nn.MultiheadAttention(4, 2)(*[twice.ones(3, 2, 6)] * 3), "expected 4 features"),
        (lambda: nn.Transformer(4, 2, 1, 1, 4)(twice.ones(3, 2, 6), twice.ones(3, 2, 4)), "expected 4 features"),
    ],
)  # fmt: skip
def test_values_out_of_place_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.Embedding(3, 2, max_norm=1.0), "max_norm and sparse"),
        (lambda: nn.Embedding(3, 2, sparse=True), "max_norm and sparse"),
        (lambda: nn.Unflatten("features", (2, 2)), "named axes"),
        (lambda: nn.Linear(2, 2, device="cuda:0"), "cuda:0"),
    ],
)
def test_options_that_are_missing_are_named(call, message):
    with pytest.raises(NotImplementedError, match=message):
        call()


def test_an_unknown_activation_is_named():
    with pytest.raises(RuntimeError, match="activation is 'tanh', expected 'relu', 'gelu' or a function"):
        nn.TransformerEncoderLayer(4, 2, activation="tanh")


def test_dropout_between_the_layers_of_one_layer_warns():
    with pytest.warns(UserWarning, match=r"dropout is 0\.5 but acts between layers"):
        nn.LSTM(3, 4, dropout=0.5)


def test_causal_mask_of_the_transformer():
    mask = nn.Transformer.generate_square_subsequent_mask(3).numpy()
    np.testing.assert_array_equal(mask, np.triu(np.full((3, 3), -np.inf, np.float32), 1))
    assert mask.dtype == np.float32
    assert nn.Transformer.generate_square_subsequent_mask(3, dtype=twice.float64).dtype == np.float64


def test_pretrained_table_is_frozen_and_shared():
    table = twice.randn(5, 3)
    layer = nn.Embedding.from_pretrained(table, padding_idx=1)
    assert not layer.weight.requires_grad
    assert np.shares_memory(layer.weight.numpy(), table.numpy())
    assert repr(layer) == "Embedding(5, 3, padding_idx=1)"


def test_recurrent_dropout_acts_in_training_between_layers():
    layer, x = nn.LSTM(3, 4, num_layers=2, dropout=0.9), twice.randn(5, 2, 3)
    assert not np.allclose(layer(x)[0].detach().numpy(), layer(x)[0].detach().numpy())
    layer.eval()
    np.testing.assert_array_equal(layer(x)[0].detach().numpy(), layer(x)[0].detach().numpy())


def test_all_weights_lists_the_parameters_layer_by_layer():
    layer = nn.GRU(3, 4, 2, bidirectional=True)
    assert [w.shape for w in layer.all_weights[1]] == [(12, 3), (12, 4), (12,), (12,)]
    assert layer.all_weights[3][0] is layer.weight_ih_l1_reverse
    layer.flatten_parameters()


def test_the_papers_gru_is_there_in_the_layer_and_in_the_cell():
    """A sequence by cells equals the layer, and differs from torch's form."""
    layer = nn.GRU(3, 4, reset_after=False, dtype=twice.float64)
    cell = nn.GRUCell(3, 4, reset_after=False, dtype=twice.float64)
    torchs = nn.GRU(3, 4, dtype=twice.float64)
    cell.load_state_dict({key.removesuffix("_l0"): value for key, value in layer.state_dict().items()})
    torchs.load_state_dict(layer.state_dict())
    x, h = twice.randn(5, 2, 3, dtype=twice.float64), twice.zeros(2, 4, dtype=twice.float64)
    for step in x:
        h = cell(step, h)
    np.testing.assert_allclose(layer(x)[1][0].detach().numpy(), h.detach().numpy(), atol=1e-12)
    assert not np.allclose(torchs(x)[1][0].detach().numpy(), h.detach().numpy())
    assert repr(layer) == "GRU(3, 4, reset_after=False)"
