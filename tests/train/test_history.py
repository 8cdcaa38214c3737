import json
import math
import subprocess
import sys

import pytest

import twice
from train.support import perceptron, points
from twice.train import History, fit


def history_of(epochs, **columns):
    history = History(losses=[3.0, 2.0] * epochs, rates=[0.1] * 2 * epochs)
    for i in range(epochs):
        history.append({name: values[i] for name, values in columns.items()}, seconds=0.5)
    return history


def test_it_comes_back_from_json_with_every_bit():
    history = fit(perceptron(twice.nn), points(), validation=points(), epochs=3, batch_size=16)
    again = History.from_json(history.to_json())
    assert again == history
    assert again.seconds == history.seconds


def test_what_is_not_finite_comes_back_too_and_the_json_is_strict():
    history = history_of(3, train_loss=[1.0, math.inf, math.nan])
    text = history.to_json()
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    again = History.from_json(text)
    assert again["train_loss"][:2] == [1.0, math.inf]
    assert math.isnan(again["train_loss"][2])


@pytest.mark.parametrize("text", ["[1]", "{", '{"loss": [1]}', '{"losses": ["one"]}'])
def test_other_text_is_refused(text):
    with pytest.raises(ValueError, match="the text is something else"):
        History.from_json(text)


def test_it_knows_its_best_epoch():
    assert history_of(4, validation_loss=[2.0, math.nan, 1.0, 1.0]).best == 3
    assert history_of(2, train_loss=[2.0, 1.0]).best is None
    assert history_of(1, validation_loss=[math.nan]).best is None


def test_the_time_does_not_count_when_histories_are_compared():
    one, other = history_of(2, train_loss=[2.0, 1.0]), history_of(2, train_loss=[2.0, 1.0])
    other.seconds = [7.0, 8.0]
    assert one == other
    assert one != history_of(2, train_loss=[2.0, 1.5])


def test_an_unknown_column_gets_a_sentence():
    with pytest.raises(KeyError, match="'acc' was not measured, expected one of train_loss, seconds"):
        history_of(1, train_loss=[2.0])["acc"]


def test_it_shows_a_row_an_epoch_and_of_many_the_ends():
    short = repr(history_of(2, train_loss=[2.0, 1.25], validation_loss=[3.0, 2.5]))
    assert short.splitlines()[0] == "History: 2 epochs, 4 steps, 1 s, lowest validation loss in epoch 2"
    assert short.splitlines()[-1].split() == ["2", "1.25", "2.5", "0.5"]
    many = repr(history_of(300, train_loss=[1.0] * 300)).splitlines()
    assert len(many) == 24
    assert [line.split()[0] for line in (many[3], many[12], many[13], many[14], many[-1])] == [
        "1", "10", "…", "291", "300",
    ]  # fmt: skip
    page = history_of(300, train_loss=[1.0] * 300)._repr_html_()
    assert page.count("<tr") == 301
    assert "max-height" in page


def test_it_plots_a_panel_for_each_measure():
    history = history_of(3, train_loss=[3.0, 2.0, 1.0], train_accuracy=[0.1, 0.2, 0.3], validation_loss=[3.0, 2.5, 2.0])
    loss, accuracy = history.plot().axes
    assert [axes.get_title() for axes in (loss, accuracy)] == ["loss", "accuracy"]
    curves = {line.get_label(): line.get_xydata().tolist() for line in loss.lines}
    assert curves["each step"][:2] == [[0.5, 3.0], [1.0, 2.0]]
    assert curves["train"] == [[1, 3.0], [2, 2.0], [3, 1.0]]
    assert curves["validation"] == [[1, 3.0], [2, 2.5], [3, 2.0]]
    history.rates[-1] = 0.01
    assert [axes.get_title() for axes in history.plot().axes] == ["loss", "accuracy", "learning rate"]


def test_a_plot_is_read_on_white_and_on_black():
    figure = history_of(2, train_loss=[2.0, 1.0]).plot()
    axes = figure.axes[0]
    assert figure.get_facecolor()[3] == axes.get_facecolor()[3] == 0
    inks = [text.get_color() for text in (axes.title, axes.xaxis.label, *axes.get_xticklabels())]
    assert set(inks) == {"#808080"}


def test_training_with_numpy_imports_nothing_else():
    code = """
import sys
import twice
assert "twice.train" not in sys.modules
from twice.train import fit
net = twice.nn.Linear(2, 2)
repr(fit(net, ([[0.0, 1.0], [1.0, 0.0]], [0, 1]), epochs=2, progress=True))
assert not {"torch", "matplotlib", "IPython", "rich"} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == ["epoch 1/2", "epoch 2/2"]
