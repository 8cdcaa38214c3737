"""The start of He, Zhang, Ren and Sun (2015) for networks of ReLUs: no layer makes its maps larger or smaller."""

from typing import Any


def he_init(
    nn: Any, network: Any, *, mode: str = "fan_in", nonlinearity: str = "relu", fully_connected: bool = True
) -> Any:
    """Weights from N(0, 2/n), n the inputs of an output ("fan_out": the other way round), biases 0; answers `network`.

    Convolutions alone without `fully_connected`; with "tanh" the variance is that function's.
    """
    kinds = (nn.Conv2d, nn.Linear) if fully_connected else nn.Conv2d
    for layer in network.modules():
        if isinstance(layer, kinds):
            nn.init.kaiming_normal_(layer.weight, mode=mode, nonlinearity=nonlinearity)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return network
