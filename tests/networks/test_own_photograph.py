"""What the page on retrieval tells a reader to do with a photograph, done: the download alone is replaced."""

import ast
import re
from pathlib import Path

import pytest
import torch
from PIL import Image
from torchvision import models

PAGE = Path(__file__).parents[2] / "chapters" / "classic" / "retrieval.md"


@pytest.mark.slow
def test_both_engines_name_the_same_five_classes(tmp_path, monkeypatch, capsys):
    import skimage

    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    Image.fromarray(skimage.data.chelsea()).save(tmp_path / "my-photo.jpg")
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    drawn = models.resnet50().state_dict()
    monkeypatch.setattr(models.ResNet50_Weights, "get_state_dict", lambda weights, *options, **more: drawn)
    exec(compile(code, str(PAGE), "exec"), {})
    (ours, ours_named), (theirs, theirs_named) = (line.split(" ", 1) for line in capsys.readouterr().out.splitlines())
    assert (ours, theirs) == ("twice", "torch")
    assert ours_named == theirs_named
    assert len(set(ast.literal_eval(ours_named))) == 5
