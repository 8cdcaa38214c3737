"""The learning rate schedules against torch's, to the last bit."""

import warnings

import numpy as np
import pytest
import torch

from twice import Tensor, optim

LONG = 250
CASES = [
    ("StepLR", {"step_size": 7}),
    ("StepLR", {"step_size": 30, "gamma": 0.7}),
    ("MultiStepLR", {"milestones": [3, 50, 50, 120], "gamma": 0.3}),
    ("ExponentialLR", {"gamma": 0.97}),
    ("CosineAnnealingLR", {"T_max": 20}),
    ("CosineAnnealingLR", {"T_max": 33, "eta_min": 0.01}),
    ("CosineAnnealingWarmRestarts", {"T_0": 10}),
    ("CosineAnnealingWarmRestarts", {"T_0": 5, "T_mult": 2, "eta_min": 0.003}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 1.0, "end_factor": 0.1, "total_iters": 40}),
    ("ConstantLR", {}),
    ("ConstantLR", {"factor": 0.25, "total_iters": 30}),
    ("LambdaLR", {"lr_lambda": lambda epoch: 0.95**epoch}),
    ("LambdaLR", {"lr_lambda": [lambda epoch: 0.95**epoch, lambda epoch: 1 / (epoch + 1)]}),
    ("OneCycleLR", {"max_lr": 0.1, "total_steps": LONG}),
    (
        "OneCycleLR",
        {"max_lr": [0.1, 0.3], "epochs": 50, "steps_per_epoch": 5, "anneal_strategy": "linear", "pct_start": 0.4},
    ),
    (
        "OneCycleLR",
        {"max_lr": 0.1, "total_steps": LONG, "three_phase": True, "base_momentum": 0.7, "max_momentum": [0.9, 0.8]},
    ),
    (
        "OneCycleLR",
        {"max_lr": 0.1, "total_steps": LONG, "cycle_momentum": False, "div_factor": 10, "final_div_factor": 10},
    ),
    ("OneCycleLR", {"max_lr": 0.1, "total_steps": LONG, "pct_start": 0.0}),
]
IDS = [f"{name}-{i}" for i, (name, _) in enumerate(CASES)]


def pair(algorithm="SGD", **options):
    """An optimiser with two groups on both engines."""

    def build(library, tensor):
        groups = [{"params": [tensor(2)]}, {"params": [tensor(3)], "lr": 0.5}]
        return getattr(library, algorithm)(groups, lr=0.2, **options)

    ours = build(optim, lambda n: Tensor(np.ones(n), requires_grad=True))
    return ours, build(torch.optim, lambda n: torch.ones(n, requires_grad=True))


def settings(optimizer):
    """All that a schedule may change."""
    keys = ("lr", "momentum", "betas")
    return [{k: group[k] for k in keys if k in group} for group in optimizer.param_groups]


def follow(ours, theirs, schedule, reference, steps, metrics=None):
    for i in range(steps):
        assert settings(ours) == settings(theirs), f"step {i}"
        assert schedule.get_last_lr() == reference.get_last_lr()
        ours.step()
        theirs.step()
        arguments = () if metrics is None else (metrics[i],)
        schedule.step(*arguments)
        reference.step(*arguments)
    assert settings(ours) == settings(theirs)


@pytest.mark.parametrize(("name", "options"), CASES, ids=IDS)
@pytest.mark.parametrize("algorithm", ["SGD", "Adam"])
def test_a_long_run_gives_torchs_rates(algorithm, name, options):
    ours, theirs = pair(algorithm)
    schedule = getattr(optim.lr_scheduler, name)(ours, **options)
    reference = getattr(torch.optim.lr_scheduler, name)(theirs, **options)
    follow(ours, theirs, schedule, reference, LONG)


@pytest.mark.parametrize(("name", "options"), CASES, ids=IDS)
def test_a_schedule_goes_on_from_its_own_and_from_torchs_state(name, options):
    ours, theirs = pair()
    schedule = getattr(optim.lr_scheduler, name)(ours, **options)
    reference = getattr(torch.optim.lr_scheduler, name)(theirs, **options)
    follow(ours, theirs, schedule, reference, 23)
    for state in (schedule.state_dict(), reference.state_dict()):
        resumed, expected = pair()
        again = getattr(optim.lr_scheduler, name)(resumed, **options)
        oracle = getattr(torch.optim.lr_scheduler, name)(expected, **options)
        resumed.load_state_dict(ours.state_dict())
        again.load_state_dict(state)
        expected.load_state_dict(theirs.state_dict())
        oracle.load_state_dict(schedule.state_dict())
        follow(resumed, expected, again, oracle, 60)


def metric_run(seed):
    rng = np.random.default_rng(seed)
    return np.exp(-np.arange(LONG) / 60) + 0.05 * rng.standard_normal(LONG).cumsum() / 10


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"mode": "max", "patience": 3},
        {"patience": 2, "cooldown": 4, "factor": 0.5},
        {"threshold": 0.02, "threshold_mode": "abs", "patience": 1, "min_lr": [1e-3, 1e-2]},
        {"mode": "max", "threshold": 0.1, "threshold_mode": "abs", "patience": 0, "min_lr": 1e-4},
        {"patience": 0, "factor": 0.1, "eps": 1e-3},
    ],
)
def test_reduce_on_plateau_gives_torchs_rates(options, seed):
    ours, theirs = pair()
    schedule = optim.lr_scheduler.ReduceLROnPlateau(ours, **options)
    reference = torch.optim.lr_scheduler.ReduceLROnPlateau(theirs, **options)
    metrics = metric_run(seed)
    follow(ours, theirs, schedule, reference, 100, metrics)
    again, oracle = (
        library.lr_scheduler.ReduceLROnPlateau(optimizer)
        for library, optimizer in ((optim, ours), (torch.optim, theirs))
    )
    again.load_state_dict(reference.state_dict())
    oracle.load_state_dict(schedule.state_dict())
    follow(ours, theirs, again, oracle, 100, metrics[100:])


@pytest.mark.parametrize("milestones", [[5, 40], [1, 2], [20, 60]])
def test_schedules_in_sequence_give_torchs_rates(milestones):
    def build(library, optimizer):
        s = library.lr_scheduler
        parts = [
            s.LinearLR(optimizer, 0.1, total_iters=5),
            s.CosineAnnealingLR(optimizer, 30),
            s.StepLR(optimizer, 10, 0.5),
        ]
        return s.SequentialLR(optimizer, parts, milestones)

    ours, theirs = pair()
    schedule, reference = build(optim, ours), build(torch.optim, theirs)
    follow(ours, theirs, schedule, reference, 45)
    resumed, expected = pair()
    again, oracle = build(optim, resumed), build(torch.optim, expected)
    resumed.load_state_dict(ours.state_dict())
    expected.load_state_dict(theirs.state_dict())
    again.load_state_dict(schedule.state_dict())
    oracle.load_state_dict(reference.state_dict())
    follow(resumed, expected, again, oracle, 60)


@pytest.mark.parametrize(
    "second", ["CosineAnnealingWarmRestarts", "ConstantLR", "ExponentialLR", "MultiStepLR", "LinearLR"]
)
def test_every_schedule_can_take_over(second):
    options = {
        "CosineAnnealingWarmRestarts": {"T_0": 7},
        "ExponentialLR": {"gamma": 0.9},
        "MultiStepLR": {"milestones": [3, 6]},
    }.get(second, {})

    def build(library, optimizer):
        s = library.lr_scheduler
        return s.SequentialLR(
            optimizer, [s.ConstantLR(optimizer, 0.5, 4), getattr(s, second)(optimizer, **options)], [6]
        )

    ours, theirs = pair()
    follow(ours, theirs, build(optim, ours), build(torch.optim, theirs), 40)


def test_two_schedules_on_one_optimizer_multiply():
    def build(library, optimizer):
        s = library.lr_scheduler
        return [s.ExponentialLR(optimizer, 0.9), s.StepLR(optimizer, 3, 0.5)]

    ours, theirs = pair()
    schedules, references = build(optim, ours), build(torch.optim, theirs)
    for _ in range(20):
        ours.step()
        theirs.step()
        for schedule in (*schedules, *references):
            schedule.step()
        assert settings(ours) == settings(theirs)


@pytest.mark.parametrize("T_mult", [1, 2, 3])
def test_warm_restarts_take_fractions_of_an_epoch(T_mult):
    ours, theirs = pair()
    schedule = optim.lr_scheduler.CosineAnnealingWarmRestarts(ours, 4, T_mult)
    reference = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(theirs, 4, T_mult)
    for epoch in np.arange(0, 60, 0.25):
        schedule.step(epoch)
        reference.step(epoch)
        assert settings(ours) == settings(theirs)


@pytest.mark.parametrize("name", ["StepLR", "CosineAnnealingLR", "ExponentialLR", "LinearLR"])
def test_a_schedule_begins_in_the_middle(name):
    options = {
        "StepLR": {"step_size": 4},
        "CosineAnnealingLR": {"T_max": 9},
        "ExponentialLR": {"gamma": 0.9},
        "LinearLR": {},
    }
    ours, theirs = pair()
    for optimizer in (ours, theirs):
        for group in optimizer.param_groups:
            group["initial_lr"] = 0.3
    schedule = getattr(optim.lr_scheduler, name)(ours, **options[name], last_epoch=5)
    reference = getattr(torch.optim.lr_scheduler, name)(theirs, **options[name], last_epoch=5)
    follow(ours, theirs, schedule, reference, 30)


def test_a_schedule_that_goes_first_is_warned_about():
    ours, _ = pair()
    schedule = optim.lr_scheduler.StepLR(ours, 3)
    with pytest.warns(UserWarning, match=r"StepLR: step\(\) came before the optimiser's"):
        schedule.step()
    ours, _ = pair()
    schedule = optim.lr_scheduler.StepLR(ours, 3)
    ours.step()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        schedule.step()


class Halving:
    """A factor with a state of its own."""

    def __init__(self):
        self.calls = 0

    def __call__(self, epoch):
        self.calls += 1
        return 0.5**epoch


def test_a_lambda_with_a_state_is_saved_and_a_plain_function_is_not():
    ours, _ = pair()
    schedule = optim.lr_scheduler.LambdaLR(ours, [Halving(), lambda epoch: 1.0])
    ours.step()
    schedule.step()
    state = schedule.state_dict()
    assert state["lr_lambdas"] == [{"calls": 2}, None]
    other = optim.lr_scheduler.LambdaLR(pair()[0], [Halving(), lambda epoch: 1.0])
    other.load_state_dict(state)
    assert other.lr_lambdas[0].calls == 2


S = optim.lr_scheduler


@pytest.mark.parametrize(
    ("make", "error", "sentence"),
    [
        (lambda o: S.StepLR([], 3), TypeError, "StepLR: optimizer is a list, expected an Optimizer"),
        (lambda o: S.StepLR(o, 3, last_epoch=4), KeyError, "group 0 has no 'initial_lr'"),
        (lambda o: S.LambdaLR(o, [abs]), ValueError, "LambdaLR: lr_lambda has 1 values, expected 2"),
        (lambda o: S.ConstantLR(o, 2.0), ValueError, "ConstantLR: factor is 2.0"),
        (lambda o: S.LinearLR(o, 0.0), ValueError, "LinearLR: start_factor is 0.0"),
        (lambda o: S.LinearLR(o, 0.5, 1.5), ValueError, "LinearLR: end_factor is 1.5"),
        (lambda o: S.CosineAnnealingWarmRestarts(o, 0), ValueError, "T_0 is 0, expected a whole number"),
        (lambda o: S.CosineAnnealingWarmRestarts(o, 3, 1.5), ValueError, "T_mult is 1.5, expected a whole number"),
        (lambda o: S.ReduceLROnPlateau(o, "low"), ValueError, "mode is 'low', expected 'min' or 'max'"),
        (lambda o: S.ReduceLROnPlateau(o, factor=1), ValueError, "factor is 1, expected a number below 1"),
        (lambda o: S.ReduceLROnPlateau(o, threshold_mode="x"), ValueError, "threshold_mode is 'x'"),
        (lambda o: S.OneCycleLR(o, 0.1), ValueError, "epochs is None, expected a positive whole number"),
        (lambda o: S.OneCycleLR(o, 0.1, 0), ValueError, "total_steps is 0"),
        (lambda o: S.OneCycleLR(o, 0.1, 10, pct_start=0.1), ValueError, "is a single step"),
        (lambda o: S.OneCycleLR(o, 0.1, 10, anneal_strategy="x"), ValueError, "anneal_strategy is 'x'"),
        (lambda o: S.OneCycleLR(o, 0.1, 10, pct_start=2), ValueError, "pct_start is 2, expected a float"),
        (lambda o: S.SequentialLR(o, [S.StepLR(o, 3)], [4]), ValueError, "1 schedulers came with 1 milestones"),
        (lambda o: S.SequentialLR(o, [S.ReduceLROnPlateau(o)], []), ValueError, "scheduler 0 is a ReduceLROnPlateau"),
        (lambda o: S.SequentialLR(o, [S.StepLR(pair()[0], 3)], []), ValueError, "belongs to another optimiser"),
    ],
)
def test_bad_arguments_get_a_sentence(make, error, sentence):
    with pytest.raises(error, match=sentence):
        make(pair()[0])


def test_one_cycle_needs_a_momentum_and_ends_after_its_steps():
    parameters = [Tensor(np.ones(2), requires_grad=True)]
    with pytest.raises(ValueError, match="neither momentum nor betas"):
        S.OneCycleLR(optim.Adagrad(parameters), 0.1, 10)
    optimizer = optim.SGD(parameters)
    schedule = S.OneCycleLR(optimizer, 0.1, 10)
    optimizer.step()
    for _ in range(10):
        schedule.step()
    with pytest.raises(ValueError, match="step 11 came, expected at most total_steps 10"):
        schedule.step()
