"""Optimisers and learning rate schedules, with torch.optim's names, arguments and numbers."""

from twice.optim import lr_scheduler
from twice.optim.adagrad import Adagrad
from twice.optim.adam import Adam, AdamW
from twice.optim.optimizer import Optimizer
from twice.optim.rmsprop import RMSprop
from twice.optim.sgd import SGD

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop", "lr_scheduler"]
