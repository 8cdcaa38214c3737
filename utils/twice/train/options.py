"""What `fit` was given, looked at before anything is computed: one sentence for each mistake."""

from typing import Any

from twice.kernels.checks import require
from twice.train.engines import Engine
from twice.train.run import Run

LEAST = {"epochs": 1, "batch_size": 1, "patience": 1, "checkpoint_steps": 1, "workers": 0, "seed": 0}


def check_numbers(where: str, **numbers: Any) -> None:
    """Whole numbers of at least so much; None where that is a choice."""
    for name, value in numbers.items():
        right = isinstance(value, int) and not isinstance(value, bool) and value >= LEAST[name]
        right = right or (value is None and name in ("patience", "checkpoint_steps"))
        require(right, f"{where}: {name} is {value!r}, expected a whole number of at least {LEAST[name]}")


def check_positive(where: str, **numbers: Any) -> None:
    """Numbers above 0, or None."""
    for name, value in numbers.items():
        right = value is None or (isinstance(value, int | float) and value > 0)
        require(right, f"{where}: {name} is {value!r}, expected a number above 0")


def as_optimizer(engine: Engine, optimizer: Any) -> Any:
    """The optimiser itself, from what makes one out of parameters, or the engine's default."""
    parameters = [p for p in engine.model.parameters() if p.requires_grad]
    require(bool(parameters), "fit: the model has no parameter that requires a gradient, expected at least one")
    if optimizer is None:
        return engine.default_optimizer(parameters)
    made = optimizer if _is_made(optimizer) else optimizer(parameters)
    if not isinstance(made, engine.optim.Optimizer):
        came = f"{type(made).__module__}.{type(made).__name__}"
        raise TypeError(f"fit: optimizer is a {came}, expected one of {engine.name}.optim for this model")
    own, theirs = ({id(p) for p in ps} for ps in (parameters, (p for g in made.param_groups for p in g["params"])))
    require(bool(own & theirs), "fit: optimizer has none of the model's parameters, expected one made from them")
    return made


def as_schedule(optimizer: Any, schedule: Any) -> Any:
    """The schedule itself, from what makes one out of an optimiser."""
    if schedule is None:
        return None
    made = schedule if _is_made(schedule) else schedule(optimizer)
    require(hasattr(made, "step"), f"fit: schedule gave a {type(made).__name__}, expected a scheduler", TypeError)
    same = getattr(made, "optimizer", optimizer) is optimizer
    require(same, "fit: schedule belongs to another optimizer, expected the one that is given to fit")
    return made


def _is_made(thing: Any) -> bool:
    """An object that steps, and not what makes one."""
    return hasattr(thing, "step") and not isinstance(thing, type)


def is_plateau(engine: Engine, schedule: Any) -> bool:
    """Whether the schedule looks at the validation loss."""
    return isinstance(schedule, engine.optim.lr_scheduler.ReduceLROnPlateau)


def check_plan(run: Run) -> None:
    """Options that only make sense together."""
    every, plateau = run.schedule_every, is_plateau(run.engine, run.schedule)
    require(every in ("epoch", "step"), f"fit: schedule_every is {every!r}, expected 'epoch' or 'step'")
    require(every == "epoch" or not plateau, "fit: schedule_every is 'step', expected 'epoch' for ReduceLROnPlateau")
    for name, needed in (("patience", run.patience is not None), ("ReduceLROnPlateau", plateau)):
        missing = needed and run.validation is None
        require(not missing, f"fit: {name} looks at the validation loss and validation is None, expected (x, y)")
    size = run.feed.batch_size
    require(len(run.feed) > 0, f"fit: drop_last leaves none of {len(run.feed.samples)} samples in batches of {size}")
