import pytest

from twice.grade.forbidden import detours, used

NAMES = ("torch.nn.functional.conv2d", "scipy", "twice.kernels")


@pytest.mark.parametrize(
    "source, found",
    [
        ("import torch\ntorch.nn.functional.conv2d(x)", [NAMES[0]]),
        ("import torch.nn.functional as G\nG.conv2d(x)", [NAMES[0]]),
        ("from torch.nn import functional\nfunctional.conv2d(x)", [NAMES[0]]),
        ("from torch.nn.functional import conv2d as c", [NAMES[0]]),
        ("F.conv2d(x)", [NAMES[0]]),
        ("f = nn.functional.conv2d", [NAMES[0]]),
        ("import scipy.signal", ["scipy"]),
        ("from scipy import signal as s", ["scipy"]),
        ("import twice.kernels.naive as n, scipy", ["scipy", "twice.kernels"]),
        ("%%time\nfrom twice.kernels import naive", ["twice.kernels"]),
        ("import torch\ntorch.nn.functional.unfold(x)\nconv2d(x)", []),
        ("import scipyx\nself.scipy.conv2d", []),
        ("'scipy'  # scipy", []),
    ],
)
def test_a_name_is_found_whatever_it_is_called(source, found):
    assert used(source, NAMES) == found


def test_detours_are_named():
    assert detours("import importlib.util\ngetattr(F, 'x')\ntorch.ops.aten.conv") == [
        "getattr",
        "importlib",
        "torch.ops",
    ]
    assert detours("def f(x):\n    return x.getattr + torch.operations") == []
