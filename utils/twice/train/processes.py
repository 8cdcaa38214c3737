"""Several processes that train one model together: `torchrun --nproc-per-node=4 script.py` starts them."""

import atexit
import os
from typing import Any, NamedTuple


class Processes(NamedTuple):
    """Which of how many this process is, and which on its machine."""

    rank: int = 0
    world: int = 1
    local: int = 0


ALONE = Processes()


def from_environment(where: str) -> Processes:
    """What torchrun says in RANK, WORLD_SIZE and LOCAL_RANK; a process that was started otherwise is alone."""
    texts = [os.environ.get(name) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK")]
    if texts[0] is None or texts[1] is None:
        return ALONE
    try:
        return Processes(*(int(text or 0) for text in texts))
    except ValueError as e:
        raise ValueError(f"{where}: RANK, WORLD_SIZE, LOCAL_RANK are {texts}, expected whole numbers") from e


def meet(device: Any) -> None:
    """Connect the processes: nccl between GPUs, gloo between CPUs. Who has done so before stays connected."""
    import torch
    import torch.distributed as dist

    if device.type == "cuda":
        torch.cuda.set_device(device)
    if not dist.is_initialized():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
        atexit.register(_part)


def _part() -> None:
    import torch.distributed as dist

    if dist.is_initialized():
        dist.destroy_process_group()


def synchronized(where: str, model: Any, device: Any) -> Any:
    """The model with batch statistics over all processes: without them each would normalise by its own part."""
    from torch.nn import SyncBatchNorm
    from torch.nn.modules.batchnorm import _BatchNorm

    if not any(isinstance(module, _BatchNorm) and not isinstance(module, SyncBatchNorm) for module in model.modules()):
        return model
    if device.type != "cuda":
        raise NotImplementedError(
            f"{where}: the model has BatchNorm and several processes train it on CPUs, expected GPUs, where torch has "
            "SyncBatchNorm, or a model without BatchNorm (GroupNorm, LayerNorm)"
        )
    return SyncBatchNorm.convert_sync_batchnorm(model)


def averaging(model: Any, device: Any) -> Any:
    """The model whose gradients become the mean over all processes."""
    from torch.nn.parallel import DistributedDataParallel

    return DistributedDataParallel(model, device_ids=[device.index] if device.type == "cuda" else None)
