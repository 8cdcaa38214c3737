"""Recurrence: layers in one direction, their single steps, and stacks of layers in both directions."""

from twice.kernels.recurrent.cells import gru_cell, lstm_cell, rnn_cell
from twice.kernels.recurrent.gru_layer import gru
from twice.kernels.recurrent.lstm_layer import lstm
from twice.kernels.recurrent.rnn_layer import rnn
from twice.kernels.recurrent.stack import lstm_stack, rnn_stack

__all__ = ["gru", "gru_cell", "lstm", "lstm_cell", "lstm_stack", "rnn", "rnn_cell", "rnn_stack"]
