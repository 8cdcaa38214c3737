"""The training loop, the same for both engines, as a textbook has it: forward, loss, backward, step."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from twice.blocks import modes_kept
from twice.train.checkpoint import file_of
from twice.train.engines import Engine, engine_for
from twice.train.feed import LAYERS, Batch, Feed, number_of, samples_of
from twice.train.history import History
from twice.train.metrics import Measures, Metrics, measures_of
from twice.train.options import as_optimizer, as_schedule, check_numbers, check_plan, check_positive, is_plateau
from twice.train.progress import progress_bar
from twice.train.run import Run

Function = Callable[..., Any]


def fit(
    model: Any,
    data: Any,
    *,
    validation: Any = None,
    epochs: int = 10,
    batch_size: int = 128,
    optimizer: Any = None,
    schedule: Any = None,
    schedule_every: str = "epoch",
    loss: Function | None = None,
    metrics: Metrics = None,
    augment: Function | None = None,
    transform: Function | None = None,
    prepare: Function | None = None,
    seed: int = 0,
    drop_last: bool = False,
    clip_norm: float | None = None,
    patience: int | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_steps: int | None = None,
    checkpoint_seconds: float = 60.0,
    resume: bool = True,
    progress: bool | None = None,
    device: Any = None,
    precision: str = "float32",
    channels_last: bool = False,
    compile: bool | dict[str, Any] = False,
    workers: int = 0,
) -> History:
    """Train a network of either engine; it is changed in place, and the history of the run comes back.

    `data` is (x, y), arrays or tuples of arrays, or a dataset with a length whose items are (input, target); so is
    `validation`. A batch of x goes through `augment(x, rng)` (in training alone) and `transform(x)` as arrays, and
    through `prepare(x)` as a tensor on the device. `optimizer` and `schedule` are made by functions of the parameters
    and of the optimiser, or given as they are; a schedule steps every "epoch" or every "step". `loss(output, target)`
    is a mean over the batch, by default cross-entropy; each of `metrics`, by default the accuracy where the loss is
    the default, a number or one for each sample. With `patience` the run ends after so many epochs without a lower
    validation loss, and the weights are those of the lowest.

    `checkpoint` is a file or a folder, written every so many steps or seconds and at the end; where it exists, the run
    goes on from it, unless `resume=False`. Functions are known to it by their names alone.

    Torch alone has `device` (else where the model is), `precision` ("bfloat16", "float16": autocast), `channels_last`,
    `compile` (True, or options of torch.compile) and `workers` (processes that load ahead). Started by torchrun,
    `batch_size` is that of all processes together.
    """
    check_numbers("fit", epochs=epochs, batch_size=batch_size, seed=seed, workers=workers)
    check_numbers("fit", patience=patience, checkpoint_steps=checkpoint_steps)
    check_positive("fit", clip_norm=clip_norm, checkpoint_seconds=checkpoint_seconds)
    hardware = {"device": device, "channels_last": channels_last, "compile": compile, "workers": workers}
    engine = engine_for("fit", model, precision=precision, **hardware)
    engine.join("fit")
    as_given = partial(_feed, "fit", engine, batch_size=batch_size, transform=transform, prepare=prepare, seed=seed)
    feed = replace(as_given("data", data), shuffle=True, drop_last=drop_last, augment=augment)
    optimizer = as_optimizer(engine, optimizer)
    run = Run(
        engine,
        feed,
        validation=None if validation is None else as_given("validation", validation),
        measures=measures_of("fit", engine.nn.functional, loss, metrics),
        optimizer=optimizer,
        schedule=as_schedule(optimizer, schedule),
        schedule_every=schedule_every,
        clip_norm=clip_norm,
        patience=patience,
        precision=precision,
        path=None if checkpoint is None else file_of(checkpoint),
        save_steps=checkpoint_steps,
        save_seconds=checkpoint_seconds,
    )
    check_plan(run)
    if resume:
        run.resume(epochs)
    shown = progress if engine.processes.rank == 0 else False
    with modes_kept(model), engine.own_random_numbers(), progress_bar(shown, epochs, len(feed)) as bar:
        run.start(bar)
        while run.place.epoch < epochs and not run.gave_up:
            _train_one_epoch(run)
            _close_epoch(run)
    run.finish()
    return run.history


def _train_one_epoch(run: Run) -> None:
    """All batches of the epoch, or those that are left of it."""
    engine, place = run.engine, run.place
    engine.model.train()
    for batch in engine.batches(run.feed.epoch(place.epoch), place.step):
        engine.reseed(number_of(run.feed.seed, place.epoch, place.step, engine.processes.rank, LAYERS))
        _train_one_step(run, batch)
        place.step += 1
        run.after_step()


def _train_one_step(run: Run, batch: Batch) -> None:
    """Forward, loss, backward, update."""
    engine = run.engine
    with engine.autocast():
        output = engine.net(*run.feed.prepared(batch))
        loss = run.measures.loss(output, batch.targets)
    run.optimizer.zero_grad()
    engine.backward(loss if batch.weight == 1 else loss * batch.weight)
    run.history.rates.append(run.rate)
    engine.update(run.optimizer, run.parameters, run.clip_norm)
    if run.schedule is not None and run.schedule_every == "step":
        run.schedule.step()
    with engine.no_grad():
        run.note(engine.totals(run.measures.of(output, batch.targets, loss), batch.mine), batch.whole)


def _close_epoch(run: Run) -> None:
    """The means of the epoch, the validation, the schedule; then the next epoch begins."""
    run.read()
    row = {f"train_{name}": value for name, value in run.means().items()}
    if run.validation is not None:
        means = _means(run.engine, run.validation, run.measures)
        row |= {f"validation_{name}": value for name, value in means.items()}
        run.compare(means["loss"])
    if run.schedule is not None and run.schedule_every == "epoch":
        run.schedule.step(*([row["validation_loss"]] if is_plateau(run.engine, run.schedule) else []))
    run.next_epoch(row)


def evaluate(
    model: Any,
    data: Any,
    *,
    batch_size: int = 128,
    loss: Function | None = None,
    metrics: Metrics = None,
    transform: Function | None = None,
    prepare: Function | None = None,
    device: Any = None,
    precision: str = "float32",
    channels_last: bool = False,
    compile: bool | dict[str, Any] = False,
    workers: int = 0,
) -> dict[str, float]:
    """The mean loss and metrics of a network over data, without training; the options are those of `fit`."""
    check_numbers("evaluate", batch_size=batch_size, workers=workers)
    hardware = {"device": device, "channels_last": channels_last, "compile": compile, "workers": workers}
    engine = engine_for("evaluate", model, precision=precision, **hardware)
    feed = _feed("evaluate", engine, "data", data, batch_size, transform, prepare)
    with modes_kept(model), engine.own_random_numbers():
        return _means(engine, feed, measures_of("evaluate", engine.nn.functional, loss, metrics))


def _means(engine: Engine, feed: Feed, measures: Measures) -> dict[str, float]:
    """Loss and metrics over every batch once, in order, without a tape."""
    engine.model.eval()
    rows = []
    with engine.no_grad():
        for batch in engine.batches(feed.epoch(0), 0):
            with engine.autocast():
                output = engine.plain(*feed.prepared(batch))
                loss = measures.loss(output, batch.targets)
            rows.append(engine.totals(measures.of(output, batch.targets, loss), batch.mine))
    totals = engine.numbers(rows).sum(0)
    return {name: float(total) / len(feed.samples) for name, total in zip(measures.names, totals)}


def _feed(
    where: str,
    engine: Engine,
    name: str,
    data: Any,
    batch_size: int,
    transform: Function | None,
    prepare: Function | None,
    seed: int = 0,
) -> Feed:
    """The data in their own order, as they are evaluated, for this process's part."""
    rank, world, _ = engine.processes
    samples = samples_of(where, name, data)
    return Feed(
        samples, batch_size, engine.dtype, engine.reseed, seed, transform=transform, prepare=prepare, rank=rank,
        world=world,
    )  # fmt: skip
