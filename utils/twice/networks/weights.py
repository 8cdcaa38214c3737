"""torchvision's trained weights in our networks, on either engine."""

from collections.abc import Mapping
from typing import Any


def from_torchvision(net: Any, source: str | Mapping[str, Any]) -> Any:
    """Load the weights of a torchvision model, by name (downloaded once) or as its state dict; answers `net`.

    Both sides list their tensors in order of registration, which our networks share with torchvision's, so the two
    lists are laid side by side; every shape must agree. A family that cannot keep torchvision's order says how to
    reorder the list, in its attribute `from_torchvision_order`.
    """
    state = _state_of(source) if isinstance(source, str) else source
    reorder = getattr(net, "from_torchvision_order", list)
    theirs, ours = reorder(list(state.items())), net.state_dict()
    if len(theirs) != len(ours):
        raise ValueError(f"from_torchvision: {len(theirs)} tensors came, expected {len(ours)} for this network")
    for (name, value), (own, mine) in zip(theirs, ours.items()):
        if tuple(value.shape) != tuple(mine.shape):
            raise ValueError(
                f"from_torchvision: {name} has shape {tuple(value.shape)}, expected {tuple(mine.shape)} for {own}"
            )
    net.load_state_dict({own: value for own, (_, value) in zip(ours, theirs)})
    return net


def _state_of(name: str) -> Mapping[str, Any]:
    from torchvision import models

    known = models.list_models(module=models)
    if name not in known:
        raise ValueError(f"from_torchvision: {name!r} is not a model of torchvision, expected one such as {known[:4]}")
    return models.get_model(name, weights="DEFAULT").state_dict()
