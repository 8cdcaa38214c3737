"""A recurrent language model trained by truncated backpropagation through time, as one writes it for torch."""

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class Encoder(nn.Module):
    """Sentences of unequal lengths as one vector each."""

    def __init__(self, table, hidden):
        super().__init__()
        self.table = table
        self.rnn = nn.GRU(table.embedding_dim, hidden, batch_first=True, bidirectional=True)

    def forward(self, tokens, lengths):
        packed = pack_padded_sequence(self.table(tokens), lengths, batch_first=True, enforce_sorted=False)
        out, h = self.rnn(packed)
        out, _ = pad_packed_sequence(out, batch_first=True)
        return out.mean(dim=1) + torch.cat([h[0], h[1]], dim=1)


class RNNModel(nn.Module):
    def __init__(self, ntoken=13, ninp=6, nhid=6, nlayers=2, dropout=0.0, tie_weights=True):
        super().__init__()
        self.ntoken = ntoken
        self.drop = nn.Dropout(dropout)
        self.encoder = nn.Embedding(ntoken, ninp, padding_idx=0)
        self.rnn = nn.LSTM(ninp, nhid, nlayers, dropout=dropout)
        self.decoder = nn.Linear(nhid, ntoken)
        if tie_weights:
            if nhid != ninp:
                raise ValueError("When using the tied flag, nhid must be equal to emsize")
            self.decoder.weight = self.encoder.weight
        self.context = Encoder(self.encoder, nhid // 2)
        self.temperature = nn.Parameter(torch.zeros(1))
        self.nhid, self.nlayers = nhid, nlayers
        self.init_weights()

    def init_weights(self):
        initrange = 0.1
        nn.init.uniform_(self.encoder.weight, -initrange, initrange)
        nn.init.zeros_(self.decoder.bias)

    def forward(self, input, hidden, context):
        emb = self.drop(self.encoder(input)) + context.unsqueeze(0)
        output, hidden = self.rnn(emb, hidden)
        decoded = self.decoder(self.drop(output)).view(-1, self.ntoken) * torch.exp(self.temperature)
        return F.log_softmax(decoded, dim=1), hidden

    def init_hidden(self, bsz):
        weight = next(self.parameters())
        return (weight.new_zeros(self.nlayers, bsz, self.nhid), weight.new_zeros(self.nlayers, bsz, self.nhid))


def repackage_hidden(h):
    if isinstance(h, torch.Tensor):
        return h.detach()
    return tuple(repackage_hidden(v) for v in h)


def build():
    torch.manual_seed(0)
    return RNNModel().double()


def train(model, data, steps):
    tokens = torch.tensor(data["stream"], dtype=torch.long)
    sentences, lengths = torch.tensor(data["sentences"]), torch.tensor(data["lengths"])
    criterion = nn.NLLLoss()
    optimizer = optim.Adam(model.parameters(), lr=5e-3)
    hidden = model.init_hidden(tokens.size(1))
    losses = []
    for step in range(steps):
        source, target = tokens[4 * step : 4 * step + 4], tokens[4 * step + 1 : 4 * step + 5].reshape(-1)
        model.zero_grad()
        hidden = repackage_hidden(hidden)
        context = model.context(sentences, lengths)
        output, hidden = model(source, hidden, context)
        loss = criterion(output, target)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.25)
        optimizer.step()
        with torch.no_grad():
            model.temperature.clamp_(-1.0, 1.0)
        losses.append(loss.item())
    return losses
