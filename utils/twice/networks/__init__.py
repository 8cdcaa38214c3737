"""The networks: one file a family, one definition for both engines.

A network is a function of the namespace of layers, `twice.nn` or `torch.nn`, and of its options; it reads like the table
of its paper. Children register in torchvision's order, so that its weights load (`from_torchvision`).
"""

from twice.networks.vgg import vgg
from twice.networks.weights import from_torchvision

__all__ = ["from_torchvision", "vgg"]
