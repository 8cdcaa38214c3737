"""The certificate: it holds for what is equal and, above all, fails for what is not, in the right row."""

import re

import numpy as np
import pytest
import torch
import torch.nn.functional as TF

from twice import Tensor, nn
from twice.autograd import op
from twice.kernels.linear import linear
from twice.parity import Certificate, Row, Tolerance, agree, certificate, engines, kernel_certificate, table


def names(rows):
    return [row.what for row in rows]


def failed(result):
    assert not result.passed
    return {row.what for row in result.rows if not row.passed}


# ── it holds ────────────────────────────────────────────────────────────────────────────────────────────────────


def mlp(nn):
    return nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3))


def convnet(nn):
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 3)
    )


@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"])
def test_a_network_agrees_in_every_row(optimizer):
    result = certificate(convnet, (4, 2, 6, 6), optimizer=optimizer).raise_if_failed()
    parameters = [f"∂{name}" for name, _ in convnet(torch.nn).named_parameters()]
    expected = ["forward", "∂input", *parameters, f"after 10 steps of {optimizer}", "forward"]
    assert names(row for row in result.rows if row.device == "cpu") == expected


def test_a_single_layer_is_also_differentiated_in_float32():
    result = certificate(lambda nn: nn.Conv2d(3, 4, 3, stride=2), (2, 3, 7, 7)).raise_if_failed()
    single = [row.what for row in result.rows if row.dtype == "float32" and row.device == "cpu"]
    assert single == ["forward", "∂input", "∂weight", "∂bias"]


@pytest.mark.parametrize(
    ("build", "inputs"),
    [
        (lambda nn: nn.ReLU(), [(3, 4)]),
        (lambda nn: nn.Identity(), [(3, 4)]),
        (lambda nn: nn.Embedding(7, 3), [np.array([[1, 2], [6, 1]])]),
        (lambda nn: nn.LSTM(3, 4, batch_first=True), [(2, 5, 3)]),
        (lambda nn: nn.MultiheadAttention(4, 2, batch_first=True), [(2, 3, 4)] * 3),
        (lambda nn: nn.MaxPool2d(2, return_indices=True), [(1, 2, 4, 4)]),
        (lambda nn: nn.BatchNorm2d(3).eval(), [(2, 3, 4, 4)]),
        (lambda nn: nn.Bilinear(3, 4, 2), [(5, 3), (5, 4)]),
    ],
    ids=["relu", "identity", "embedding", "lstm", "attention", "indices", "eval", "two inputs"],
)
def test_modules_of_every_kind_agree(build, inputs):
    certificate(build, *inputs).raise_if_failed()


def test_a_pair_gets_torchs_weights_and_stays_as_it_was():
    ours, theirs = mlp(nn), mlp(torch.nn)
    before = [p.array.copy() for p in ours.parameters()], [p.detach().clone() for p in theirs.parameters()]
    certificate((ours, theirs), (2, 5)).raise_if_failed()
    assert all((p.array == b).all() for p, b in zip(ours.parameters(), before[0]))
    assert all(torch.equal(p, b) for p, b in zip(theirs.parameters(), before[1]))
    assert all(p.grad is None for p in (*ours.parameters(), *theirs.parameters()))


def test_a_loss_of_ones_own_with_a_target():
    labels = np.array([0, 2, 1])
    loss = lambda nn, y, target: nn.functional.cross_entropy(y, target)
    certificate(mlp, (3, 5), loss=loss, target=labels).raise_if_failed()
    certificate(mlp, (3, 5), loss=lambda nn, y: (y * y).mean(), optimizer="Adam").raise_if_failed()


def test_the_seed_decides_the_numbers_and_torchs_own_stream_is_left_alone():
    torch.manual_seed(3)
    state = torch.get_rng_state()
    a, b, c = (certificate(mlp, (2, 5), seed=seed).rows for seed in (0, 0, 1))
    assert a == b
    assert a != c
    assert torch.equal(torch.get_rng_state(), state)


def test_without_steps_and_without_parameters_there_is_no_row_of_steps():
    assert not [name for name in names(certificate(mlp, (2, 5), steps=0).rows) if "after" in name]
    assert not [name for name in names(certificate(lambda nn: nn.Tanh(), (2, 5)).rows) if "after" in name]


@pytest.mark.cuda
def test_a_network_agrees_with_torch_on_cuda():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    result = certificate(convnet, (4, 2, 6, 6)).raise_if_failed()
    assert {row.device for row in result.rows} == {"cpu", "cuda"}


def test_tf32_is_off_inside_and_as_before_afterwards(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    switches = torch.backends.cuda.matmul, torch.backends.cudnn
    before = [switch.allow_tf32 for switch in switches]
    for values in ([True, False], before):
        for switch, value in zip(switches, values):
            switch.allow_tf32 = value
        with engines.full_precision():
            assert [switch.allow_tf32 for switch in switches] == [False, False]
        assert [switch.allow_tf32 for switch in switches] == values


# ── it fails ────────────────────────────────────────────────────────────────────────────────────────────────────


def sabotaged_linear(forward=lambda y: y, dx=lambda g: g, dw=lambda g: g, db=lambda g: g):
    """A linear kernel with something done to its value or to one of its gradients."""

    def kernel(x, w, b=None):
        y, back = linear(x, w, b)
        changes = (dx, dw, db)
        return forward(y), lambda dy: tuple(change(g) for change, g in zip(changes, back(dy)))

    return kernel


def sabotaged_module(**sabotage):
    lifted = op(sabotaged_linear(**sabotage), "linear")

    class Sabotaged(nn.Linear):
        def forward(self, x):
            return lifted(x, self.weight, self.bias)

    return Sabotaged(5, 4), torch.nn.Linear(5, 4)


def poke(g):
    """One entry off by a millionth."""
    g = g.copy()
    g.flat[-1] *= 1 + 1e-6
    return g


def spoil(g):
    g = g.copy()
    g.flat[0] = np.nan
    return g


AFTER = {"after 10 steps of SGD: weight", "after 10 steps of SGD: bias"}


def test_an_unchanged_sabotage_agrees():
    certificate(sabotaged_module(), (3, 5)).raise_if_failed()


@pytest.mark.parametrize("change", [poke, spoil, lambda g: g * 1.001, lambda g: -g, np.zeros_like])
@pytest.mark.parametrize(("where", "row"), [("dx", "∂input"), ("dw", "∂weight"), ("db", "∂bias")])
def test_a_wrong_gradient_fails_in_its_own_row(where, row, change):
    found = failed(certificate(sabotaged_module(**{where: change}), (3, 5)))
    assert found - AFTER == {row}
    assert bool(found & AFTER) == (where != "dx")


@pytest.mark.parametrize("change", [poke, spoil, lambda y: y + 1e-7, lambda y: y * np.inf])
def test_a_wrong_value_fails_in_the_row_of_the_value(change):
    assert "forward" in failed(certificate(sabotaged_module(forward=change), (3, 5)))


def test_a_float32_answer_to_a_float64_question_fails():
    result = certificate(sabotaged_module(forward=lambda y: y.astype(np.float32)), (3, 5))
    assert "(3, 4) float32, expected (3, 4) float64" in str(result)


def test_a_wrong_padding_fails():
    pair = nn.Conv2d(2, 3, 3, padding=1, padding_mode="reflect"), torch.nn.Conv2d(2, 3, 3, padding=1)
    assert failed(certificate(pair, (1, 2, 5, 5))) >= {"forward", "∂input", "∂weight"}


def test_a_wrong_shape_fails_with_both_shapes():
    result = certificate((nn.Conv2d(2, 3, 3), torch.nn.Conv2d(2, 3, 3, padding=1)), (1, 2, 5, 5), steps=0)
    assert "forward" in failed(result)
    assert "(1, 3, 3, 3) float64, expected (1, 3, 5, 5) float64" in str(result)


def test_a_wrong_running_mean_fails_in_the_row_of_the_steps():
    pair = nn.BatchNorm2d(3, momentum=0.2), torch.nn.BatchNorm2d(3)
    (row,) = failed(certificate(pair, (2, 3, 4, 4)))
    assert re.fullmatch(r"after 10 steps of SGD: running_(mean|var)", row)


def test_a_wrong_optimizer_fails_in_the_row_of_the_steps_alone(monkeypatch):
    from twice import optim

    class Eager(optim.Adam):
        def __init__(self, params, lr):
            super().__init__(params, lr * (1 + 1e-6))

    monkeypatch.setattr(optim, "Adam", Eager)
    found = failed(certificate(mlp, (3, 5), optimizer="Adam"))
    assert len(found) == 1
    assert "after 10 steps of Adam" in found.pop()


def test_a_nan_of_both_engines_is_no_agreement():
    x = np.array([[1.0, np.nan]])
    assert "forward" in failed(certificate(lambda nn: nn.ReLU(), x))
    assert not agree(x, x)


def test_raise_if_failed_shows_the_table():
    with pytest.raises(AssertionError, match=r"Linear: 2 of \d+ comparisons differ(.|\n)*∂input .*DIFFERENT"):
        certificate(sabotaged_module(dx=lambda g: g * 1.001), (3, 5)).raise_if_failed()


def test_a_tolerance_of_ones_own_holds_for_every_row():
    sabotage = sabotaged_module(dx=lambda g: g * 1.001)
    certificate(sabotage, (3, 5), tolerance=Tolerance(0.01, 1.0)).raise_if_failed()
    assert len(failed(certificate(sabotage, (3, 5), tolerance=Tolerance(0.0, 1.0)))) > 1


def test_an_empty_certificate_has_not_passed():
    assert not Certificate("nothing", ()).passed


# ── what it refuses ─────────────────────────────────────────────────────────────────────────────────────────────


def noisy(nn):
    return nn.Sequential(nn.Linear(5, 4), nn.Dropout(0.5))


def test_dropout_is_refused_by_name_unless_it_is_switched_off():
    with pytest.raises(ValueError, match=r"certificate: 1 \(Dropout\) draws random numbers, .*pass train=False"):
        certificate(noisy, (3, 5))
    certificate(noisy, (3, 5), train=False).raise_if_failed()
    certificate(lambda nn: noisy(nn).eval(), (3, 5)).raise_if_failed()


def test_hidden_dropout_is_refused_too():
    class Hidden(torch.nn.Linear):
        def forward(self, x):
            return TF.dropout(super().forward(x))

    with pytest.raises(ValueError, match="certificate: Hidden draws random numbers"):
        certificate((nn.Linear(5, 4), Hidden(5, 4)), (3, 5))


@pytest.mark.parametrize(
    ("module", "inputs", "error", "sentence"),
    [
        (torch.nn.Linear(2, 2), [(3, 2)], TypeError, "module is a Linear, expected a function of the namespace"),
        (
            (torch.nn.Linear(2, 2), nn.Linear(2, 2)),
            [(3, 2)],
            TypeError,
            r"the pair holds torch.nn.*expected a module of",
        ),
        ((nn.Linear(2, 2), torch.nn.Linear(2, 3)), [(3, 2)], ValueError, r"'weight' is \(3, 2\) float32 in the source"),
        (mlp, ["x"], TypeError, "input 0 is a str, expected an array, a tensor or a shape"),
    ],
)
def test_bad_arguments_get_a_sentence(module, inputs, error, sentence):
    with pytest.raises(error, match=sentence):
        certificate(module, *inputs)


# ── kernels ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_kernel_agrees_in_both_dtypes():
    result = kernel_certificate(linear, TF.linear, (3, 5), (4, 5), (4,)).raise_if_failed()
    rows = [(row.what, row.dtype) for row in result.rows if row.device == "cpu"]
    assert rows == [(name, dtype) for dtype in ("float64", "float32") for name in ("forward", "∂x", "∂w", "∂b")]


def test_a_kernel_without_its_bias_agrees():
    result = kernel_certificate(linear, TF.linear, (3, 5), (4, 5), None).raise_if_failed()
    assert "∂b" not in names(result.rows)


def test_a_kernels_options_go_to_both_functions():
    from twice.kernels.activation import leaky_relu

    kernel_certificate(leaky_relu, TF.leaky_relu, (3, 5), negative_slope=0.3).raise_if_failed()


@pytest.mark.parametrize(
    ("sabotage", "row"),
    [({"dx": poke}, "∂x"), ({"dw": spoil}, "∂w"), ({"db": lambda g: g[None]}, "∂b"), ({"forward": poke}, "forward")],
)
def test_a_sabotaged_kernel_fails_in_its_row(sabotage, row):
    assert failed(kernel_certificate(sabotaged_linear(**sabotage), TF.linear, (3, 5), (4, 5), (4,))) == {row}


def test_a_value_too_many_fails():
    def kernel(x, w, b):
        y, back = linear(x, w, b)
        return (y, y.copy()), lambda dy: back(dy)

    assert failed(kernel_certificate(kernel, TF.linear, (3, 5), (4, 5), (4,))) == {
        "forward",
        "forward[0]",
        "forward[1]",
    }


def test_a_gradient_that_is_missing_fails():
    kernel = sabotaged_linear(db=lambda g: None)
    assert failed(kernel_certificate(kernel, TF.linear, (3, 5), (4, 5), (4,))) == {"∂b"}


def test_a_gradient_that_torch_does_not_have_fails():
    def kernel(x, w):
        y, back = linear(x, w)
        return y, lambda dy: (*back(dy)[:2],)

    frozen = lambda x, w: TF.linear(x, w.detach())
    assert failed(kernel_certificate(kernel, frozen, (3, 5), (4, 5))) == {"∂w"}


# ── agree ───────────────────────────────────────────────────────────────────────────────────────────────────────

ONE = np.ones(3)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (ONE, ONE + 1e-9, True),
        (ONE, ONE + 1e-7, False),
        (ONE.astype("f4"), ONE.astype("f4") + np.float32(1e-5), True),
        (ONE.astype("f4"), ONE.astype("f4") + np.float32(1e-3), False),
        (ONE, ONE[:2], False),
        (ONE, ONE.astype("f4"), False),
        (Tensor(ONE), torch.ones(3, dtype=torch.float64), True),
        ((ONE, 2), (ONE, 2), True),
        ((ONE, 2), (ONE,), False),
        (np.array([1, 2]), np.array([1, 2]), True),
        (np.array([1, 2]), np.array([1, 3]), False),
        (np.array([np.inf, 1]), np.array([np.inf, 1]), True),
        (np.array([np.inf, 1]), np.array([-np.inf, 1]), False),
        (np.array([np.nan]), np.array([np.nan]), False),
        (np.zeros((0, 2)), np.zeros((0, 2)), True),
        (np.array([0.0]), np.array([1e-300]), False),
    ],
)
def test_agree_says_whether_two_results_are_the_same(a, b, expected):
    assert agree(a, b) is expected


# ── how it looks ────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_terminal_shows_an_aligned_table():
    lines = repr(certificate(mlp, (3, 5))).splitlines()
    assert lines[0] == "All 8 comparisons agree"
    assert lines[1].split("  ")[0] == "what"
    columns = [lines[1].index(name) for name in ("device", "dtype", "largest", "allowed", "verdict")]
    assert all(line[column - 1] == " " and line[column] != " " for line in lines[3:] for column in columns)
    assert all(line.endswith("same") for line in lines[3:])


def test_the_notebook_shows_a_table_without_colours_or_unescaped_text():
    rows = (Row("<b>", "cpu", "float64", 1.0, 0.5, False), Row("∂w", "cpu", "float64", 0.0, 0.5, True))
    page = Certificate("a & b", rows)._repr_html_()
    assert page.count("<tr") == 3
    assert "&lt;b&gt;" in page
    assert "a &amp; b" in page
    assert "<b>" not in page
    assert set(re.findall(r"(?:color|background):(\w+)", page)) == {"inherit", "none"}


def test_a_long_table_shows_the_worst_gradient_and_every_failure():
    rows = [Row("forward", "cpu", "float64", 0.0, 1.0, True)]
    rows += [Row(f"∂{i}", "cpu", "float64", i / 100, 1.0, i not in (3, 7)) for i in range(50)]
    shown = names(table.shortened(rows))
    assert shown == ["forward", "∂3", "∂7", "∂49 (worst of 48)"]
    assert "2 of 51 comparisons differ" in repr(Certificate("net", tuple(rows)))
