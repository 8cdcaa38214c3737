"""A model file written for torch runs when its import lines say twice, and trains to the same numbers."""

import re
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

import twice
import twice.nn
import twice.optim
from support import assert_close

FOLDER = Path(__file__).parent / "drop_in"
STEPS = 5


def on_twice(source):
    """The import lines with `twice` for `torch`; `import torch` keeps the name that the file uses."""
    lines = source.splitlines()
    for number, line in enumerate(lines):
        if re.match(r"import torch$", line):
            lines[number] = "import twice as torch"
        elif re.match(r"(import|from) torch\b", line):
            lines[number] = re.sub(r"\btorch\b", "twice", line)
    return "\n".join(lines)


def load(source, name):
    module = ModuleType(name)
    exec(compile(source, name, "exec"), module.__dict__)
    return module


def data():
    rng = np.random.default_rng(0)
    lengths = np.array([3, 6, 1, 4])
    sentences = rng.integers(1, 13, (4, 6)) * (np.arange(6) < lengths[:, None])
    return {
        "tokens": rng.integers(0, 11, (STEPS, 3, 9)),
        "images": rng.standard_normal((STEPS, 4, 3, 32, 32)),
        "labels": rng.integers(0, 5, (STEPS, 4)),
        "stream": rng.integers(0, 13, (4 * STEPS + 1, 4)),
        "sentences": sentences,
        "lengths": lengths,
    }


@pytest.mark.parametrize("name", ["gpt", "resnet", "lstm_lm"])
def test_a_file_written_for_torch_trains_to_the_same_numbers(name):
    source = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    assert "twice" not in source
    theirs, ours = load(source, name), load(on_twice(source), name)
    reference, model = theirs.build(), ours.build()
    assert isinstance(model, twice.nn.Module)
    assert isinstance(reference, torch.nn.Module)
    assert repr(model) == repr(reference)
    assert list(model.state_dict()) == list(reference.state_dict())
    model.load_state_dict(reference.state_dict())
    expected, losses = theirs.train(reference, data(), STEPS), ours.train(model, data(), STEPS)
    np.testing.assert_allclose(losses, expected, rtol=1e-8)
    assert len(set(losses)) > STEPS // 2
    for (key, value), (_, other) in zip(model.state_dict().items(), reference.state_dict().items(), strict=True):
        assert_close(value.numpy(), other, 1e-8, key)
