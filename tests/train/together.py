"""One of several processes: `torchrun --nproc-per-node 2 together.py FOLDER` trains, then says what it refuses."""

import shutil
import sys
from pathlib import Path

import torch

import twice
from train.support import model_of, perceptron, points
from twice.files import from_torch
from twice.train import evaluate, fit

SAMPLES, BATCH = 17, 8  # the last batch has one sample: a process gets none


def train(path=None, epochs=3):
    net = model_of(torch)
    history = fit(
        net, points(SAMPLES), validation=points(9, seed=1), epochs=epochs, batch_size=BATCH, seed=2, clip_norm=0.5,
        optimizer=lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9), checkpoint=path, checkpoint_steps=2,
    )  # fmt: skip
    return net, history


def refusal(call, *args, **options):
    try:
        call(*args, **options)
    except (NotImplementedError, RuntimeError) as error:
        return str(error)
    return "nothing was refused"


def main(folder):
    torch.set_num_threads(1)
    net, history = train()
    train(folder / "run.npz", epochs=1)
    resumed, again = train(folder / "run.npz")
    rank = torch.distributed.get_rank()
    own = folder / f"run-of-{rank}.npz"
    if rank == 0:
        shutil.copy(folder / "run.npz", own)
    answer = {
        "history": history.to_json(),
        "weights": from_torch(net.state_dict()),
        "resumed": again == history and all(map(torch.equal, resumed.parameters(), net.parameters())),
        "evaluated": evaluate(net, points(9, seed=1)),
        "norm": refusal(fit, perceptron(torch.nn, norm=True), points()),
        "files": refusal(train, own),
        "numpy": refusal(fit, perceptron(twice.nn), points()),
    }
    twice.save(answer, folder / f"{rank}.npz")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
