"""ZFNet (Zeiler and Fergus 2013): AlexNet after a look inside it, with smaller and denser first kernels."""

from typing import Any

from twice.blocks import chain
from twice.networks.alexnet import classifier, response_norm
from twice.networks.options import at_least, one_of, widener

# The maps of layers 3, 4 and 5: as the paper's figure 3 has them, then as the texts of two lectures do.
VARIANTS = {"figure": (384, 384, 256), "text": (512, 1024, 512), "text reordered": (512, 512, 1024)}


def zfnet(
    nn: Any,
    variant: str = "figure",
    *,
    classes: int = 1000,
    width: float = 1.0,
    image: int = 224,
    dropout: float = 0.5,
) -> Any:
    """Layer by layer 224, 110, 26, 13, 13, 13, 6: kernels of 7×7 at stride 2 where AlexNet had 11×11 at 4.

    The figure's sizes need a padding of 1 in the first layer (109.5 without) and pools that round up (26 to 12.5);
    normalisation follows pooling. "text" is the paper's larger model, of its table 2 (b); one lecture's text has the
    same numbers in another order.
    """
    maps = VARIANTS[one_of("zfnet", "variant", variant, VARIANTS)]
    at_least("zfnet", "image", image, 47)
    wide = widener("zfnet", width)
    c1, c2, c3, c4, c5 = map(wide, (96, 256, *maps))
    pool = lambda: nn.MaxPool2d(3, 2, ceil_mode=True)
    features = chain(
        nn,
        conv1=nn.Conv2d(3, c1, 7, 2, padding=1), relu1=nn.ReLU(True), pool1=pool(), norm1=response_norm(nn),
        conv2=nn.Conv2d(c1, c2, 5, 2), relu2=nn.ReLU(True), pool2=pool(), norm2=response_norm(nn),
        conv3=nn.Conv2d(c2, c3, 3, padding=1), relu3=nn.ReLU(True),
        conv4=nn.Conv2d(c3, c4, 3, padding=1), relu4=nn.ReLU(True),
        conv5=nn.Conv2d(c4, c5, 3, padding=1), relu5=nn.ReLU(True), pool5=pool(),
    )  # fmt: skip
    head = classifier(nn, c5, wide(4096), at_least("zfnet", "classes", classes, 1), dropout)
    return chain(nn, features=features, avgpool=nn.AdaptiveAvgPool2d(6), flatten=nn.Flatten(), classifier=head)
