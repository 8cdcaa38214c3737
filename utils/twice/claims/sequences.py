"""The claims on sequences and attention."""

from functools import partial

from twice.claims.ledger import Claim

row = partial(Claim, "sequences")

VASWANI = "Vaswani et al. 2017"
KARPATHY = "Karpathy and Fei-Fei 2015, the authors' gallery of results"
SENTENCES = {
    "a plate of food with a fork and a sandwich": "-9.16",
    "a bird is standing on a rock in the water": "-9.30",
    "a bus is parked on the side of the street": "-7.76",
    "a black bear is standing in the grass": "-8.37",
    "a young boy is holding a baseball bat": "-7.11",
}

CLAIMS = (
    row("transformer-blocks", "B", "N=6", "Transformer, blocks of encoder and decoder", "cited", source=VASWANI),
    row("vit-patch", "B", "16×16", "ViT, pixels of a word", "cited", source="Dosovitskiy et al. 2021"),
    row(
        "attention-weights", "B", "4", "attention: weights a_11 … a_14 of the first step", "agrees",
        lambda: len(["we", "are", "eating", "bread"]),
    ),
    row(
        "decoder-steps", "B", "4", "sequence to sequence: y_1 … y_4", "agrees",
        lambda: len(["estamos", "comiendo", "pan", "[STOP]"]),
    ),
    row("vit-picture", "B", "78 to 90 %, 4 to 256 GFLOPs", "accuracy on ImageNet, ResNet to ConvNeXt", "cited",
        source="Liu et al. 2022, figure 1"),
    row("neuraltalk-images", "D", "1000", "NeuralTalk: images shown", "cited", source=KARPATHY),
    *(
        row(f"neuraltalk-{i}", "D", said, f"NeuralTalk, log probability of “{sentence}”", "cited", source=KARPATHY)
        for i, (sentence, said) in enumerate(SENTENCES.items(), 1)
    ),
)  # fmt: skip
