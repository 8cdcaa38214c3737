"""The networks: one file a family, one definition for both engines.

A network is a function of the namespace of layers, `twice.nn` or `torch.nn`, and of its options; it reads like the
table of its paper. Children register in torchvision's order, so that its weights load (`from_torchvision`).
"""

from twice.networks.alexnet import alexnet, alexnet_init
from twice.networks.captioner import captioner, doubly_stochastic
from twice.networks.cifar_resnet import cifar_resnet
from twice.networks.convnext import convnext
from twice.networks.decoding import Decoded, beam_search, draw, generate, greedy
from twice.networks.densenet import cifar_densenet, densenet
from twice.networks.googlenet import googlenet
from twice.networks.gpt import gpt
from twice.networks.he import he_init
from twice.networks.inception import inception_v3
from twice.networks.inception_v2 import inception_v2
from twice.networks.lenet import lenet, lenet_init
from twice.networks.mobilenet import mobilenet
from twice.networks.nin import nin
from twice.networks.recurrent import language_model, sequence_classifier
from twice.networks.resnet import resnet
from twice.networks.resnext import resnext
from twice.networks.senet import se_resnet, se_resnext
from twice.networks.seq2seq import seq2seq
from twice.networks.squeezenet import squeezenet
from twice.networks.swin import swin
from twice.networks.transformer import transformer
from twice.networks.vgg import vgg
from twice.networks.vit import deit, vit
from twice.networks.weights import from_torchvision
from twice.networks.zfnet import zfnet

__all__ = [
    "Decoded",
    "alexnet",
    "alexnet_init",
    "beam_search",
    "captioner",
    "cifar_densenet",
    "cifar_resnet",
    "convnext",
    "deit",
    "densenet",
    "doubly_stochastic",
    "draw",
    "from_torchvision",
    "generate",
    "googlenet",
    "gpt",
    "greedy",
    "he_init",
    "inception_v2",
    "inception_v3",
    "language_model",
    "lenet",
    "lenet_init",
    "mobilenet",
    "nin",
    "resnet",
    "resnext",
    "se_resnet",
    "se_resnext",
    "seq2seq",
    "sequence_classifier",
    "squeezenet",
    "swin",
    "transformer",
    "vgg",
    "vit",
    "zfnet",
]
