"""What a student sees in Jupyter, and the pictures of the labs."""

from pathlib import Path

import numpy as np
import pytest

from twice.labs.running import run

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("nbclient")

CELLS = (
    "import numpy as np\nfrom twice.labs import checks\ncheck = checks('convolution')",
    "def correlate1d(x, w):\n    return x.sum() * w.sum()",
    'check("correlate1d")',
    "def correlate1d(x, w):\n    return x[10]",
    'check("correlate1d")',
    "def correlate1d(x, w):\n    return np.lib.stride_tricks.sliding_window_view(x, len(w)) @ w",
    'check("correlate1d")',
)


@pytest.fixture(scope="module")
def outputs():
    """Of each cell, as a kernel that pytest did not start gives them."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS])
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PYTEST_VERSION", raising=False)
        patch.delenv("PYTEST_CURRENT_TEST", raising=False)
        run(notebook, Path.cwd(), errors=True)
    return [cell.outputs for cell in notebook.cells]


def test_a_failed_check_is_shown_once_above_one_line_of_traceback(outputs):
    shown, error = outputs[2]
    assert shown.output_type == "display_data"
    assert "expected an array of shape (2,)" in shown.data["text/plain"]
    assert shown.data["text/html"].startswith("<div role='group'")
    assert error.ename == "CheckFailed"
    assert error.traceback == ["CheckFailed: correlate1d: not right yet (see above)"]


def test_an_error_in_a_cell_is_shown_with_that_cells_line(outputs):
    assert "line 2 in correlate1d:  return x[10]" in outputs[4][0].data["text/plain"]


def test_a_check_that_passes_prints_to_stdout_alone(outputs):
    (printed,) = outputs[6]
    assert (printed.output_type, printed.name) == ("stream", "stdout")
    assert printed.text.startswith("✓ correlate1d: right")


@pytest.fixture
def figures(monkeypatch):
    """The figures that were shown."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    shown = []
    monkeypatch.setattr(pyplot, "show", lambda: shown.append(pyplot.gcf()))
    return shown


def test_small_maps_carry_their_numbers_and_large_ones_do_not(figures):
    from twice.labs.pictures import maps

    maps([np.eye(3), np.zeros((40, 40))], ["small", "large"])
    small, large = figures[0].axes
    assert [text.get_text() for text in small.texts] == ["1", "0", "0", "0", "1", "0", "0", "0", "1"]
    assert not large.texts
    assert [axis.get_title() for axis in figures[0].axes] == ["small", "large"]


def test_zero_is_middle_grey_in_a_signed_map(figures):
    from twice.labs.pictures import maps

    maps([np.array([[-1.0, 3.0]])], signed=True)
    assert figures[0].axes[0].images[0].get_clim() == (-3, 3)


def test_curves_show_every_signal_under_its_name(figures):
    from twice.labs.pictures import curves

    curves([[1, 2, 3], [3, 2]], ["up", "down"])
    assert [line.get_label() for line in figures[0].axes[0].lines] == ["up", "down"]
    np.testing.assert_array_equal(figures[0].axes[0].lines[1].get_ydata(), [3, 2])
    np.testing.assert_array_equal(figures[0].axes[0].lines[1].get_xdata(), [0, 1])
    curves([[1, 2, 3]], ["from -1 to 1"], at=[-1, 0, 1])
    np.testing.assert_array_equal(figures[1].axes[0].lines[0].get_xdata(), [-1, 0, 1])
