"""What runs inside the sandbox: it starts the kernel, calls the student's answers, and hands out plain data.

This file goes into the sandbox with four files of `twice.labs` and no other of the library. It holds no secret, and
whatever a student does to it changes only the data that comes out, which is compared outside.
"""

import json
import os
import resource
import socket
import struct
import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext, redirect_stderr
from typing import Any

HEAD = struct.Struct("<QQ")  # the number of a message and its length
MESSAGE = 2000  # characters of an error
HOME = "/tmp/home"
CONVOLUTIONS = (  # torch's operations that do what each other does
    *("conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "conv_tbc"),
    *("convolution", "_convolution", "convolution_overrideable", "mkldnn_convolution", "thnn_conv2d", "slow_conv3d"),
)


# ── the channel ─────────────────────────────────────────────────────────────────────────────────────────────────


def send(channel: socket.socket, number: int, data: bytes) -> None:
    """One message."""
    channel.sendall(HEAD.pack(number, len(data)) + data)


def receive(channel: socket.socket) -> tuple[int, bytes]:
    """The next message, from whoever started this process."""
    number, length = HEAD.unpack(_exactly(channel, HEAD.size))
    return number, _exactly(channel, length)


def _exactly(channel: socket.socket, length: int) -> bytes:
    data = bytearray()
    while len(data) < length:
        more = channel.recv(min(length - len(data), 2**20))
        if not more:
            raise EOFError("the channel was closed")
        data += more
    return bytes(data)


# ── the start ───────────────────────────────────────────────────────────────────────────────────────────────────


def main(fd: int) -> None:
    """Give up all rights but those granted, start a kernel, say that it is ready, and serve it."""
    global _channel
    _channel = socket.socket(fileno=fd)
    settings = json.loads(receive(_channel)[1])
    restrict(settings["rights"])
    sys.path[:] = [*(p for p in sys.path if p), *settings["path"]]
    app = _kernel(settings["connection"])
    if settings["torch"]:
        import torch

        torch.set_num_threads(1)
    for standard in (0, 1, 2):
        os.dup2(os.open(os.devnull, os.O_RDWR), standard)
    send(_channel, 0, b"ready")
    app.start()


def restrict(rights: dict[str, int]) -> None:
    """Take the limits, then another user where one is named."""
    limits = {"data": "RLIMIT_DATA", "files": "RLIMIT_NOFILE", "file": "RLIMIT_FSIZE", "cpu": "RLIMIT_CPU"}
    for name, limit in {**limits, "tasks": "RLIMIT_NPROC"}.items():
        if name in rights and hasattr(resource, limit):
            _lower(getattr(resource, limit), rights[name])
    _lower(resource.RLIMIT_CORE, 0)
    if "uid" in rights:
        os.setgroups([])
        os.setgid(rights["uid"])
        os.setuid(rights["uid"])
    os.makedirs(os.environ.get("HOME", HOME), exist_ok=True)


def _lower(which: int, value: int) -> None:
    highest = resource.getrlimit(which)[1]
    value = value if highest == resource.RLIM_INFINITY else min(value, highest)
    resource.setrlimit(which, (value, value))


def _kernel(connection: dict[str, Any]) -> Any:
    """IPython's kernel on sockets in a folder; it keeps no history and reads no configuration."""
    from ipykernel.kernelapp import IPKernelApp
    from traitlets.config import Config

    config = Config()
    config.Session.key = connection.pop("key").encode()
    config.IPKernelApp.update(connection)
    config.IPKernelApp.capture_fd_output = False
    config.HistoryManager.enabled = False
    app = IPKernelApp.instance(config=config, connection_file=os.path.join(os.environ["HOME"], "kernel.json"))
    app.initialize([])
    global _names
    app.kernel.shell.ask_exit = lambda: None  # `quit()` in a cell ends no grading
    _names = app.kernel.shell.user_ns
    return app


# ── calls ───────────────────────────────────────────────────────────────────────────────────────────────────────

_channel: socket.socket
_names: dict[str, Any]


def serve() -> None:
    """Answer requests one by one, until one says that it is the last."""
    from twice.labs import plain

    while True:
        number, data = receive(_channel)
        request = plain.decode(data)
        if request.get("last"):
            return
        try:
            answer = plain.encode(_answer(request))
        except plain.BadValue as error:
            answer = plain.encode({"kind": "bad_value", "message": str(error)[:MESSAGE]})
        send(_channel, number, answer)


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    """The value that the student's answer gives, or what went wrong."""
    from twice.labs import calling, culprit, forbidden, plain

    name, names = request["name"], tuple(request["forbidden"])
    answer = _names.get(name)
    if answer is None:
        return {"kind": "not_defined", "message": f"There is no `{name}`"}
    if not callable(answer):
        return {"kind": "bad_value", "message": f"`{name}` is a {type(answer).__name__}, expected a function"}
    used = forbidden.used(answer, names, _names)
    if used:
        return {"kind": "forbidden", "names": used}
    try:
        with warnings.catch_warnings(), redirect_stderr(sys.stdout), denied(names):
            warnings.simplefilter("ignore")
            how = {"engine": request["engine"], "kind": request["shape"], "keeps": request.get("keeps", False)}
            value = calling.call(answer, request["args"], request["kwargs"], **how)
            return {"kind": "value", "value": plain.simplify(value)}
    except plain.BadValue as error:
        return {"kind": "bad_value", "message": str(error)[:MESSAGE]}
    except Forbidden as error:
        return {"kind": "forbidden", "names": [str(error)]}
    except NotImplementedError as error:
        if not error.args:
            return {"kind": "not_defined", "message": f"`{name}` is not written yet"}
        return _error(*culprit.told(error))
    except BaseException as error:
        return _error(*culprit.told(error))


def _error(message: str, where: str) -> dict[str, str]:
    text = (message[:MESSAGE], where[:MESSAGE])
    message, where = (t.encode("utf-8", "replace").decode("utf-8") for t in text)
    return {"kind": "student_error", "message": message, "where": where}


# ── what an exercise forbids ────────────────────────────────────────────────────────────────────────────────────


class Forbidden(Exception):
    """An answer called what its exercise asks the student to write."""


@contextmanager
def denied(names: tuple[str, ...]) -> Iterator[None]:
    """Functions of these names raise while an answer runs, however it came by them where torch can tell."""
    targets = {name: function for name in names if (function := _function(name)) is not None}
    with ExitStack() as stack:
        for name, function in targets.items():
            stack.enter_context(_replaced(name, function))
        stack.enter_context(_watched(targets) if any(n.startswith("torch.") for n in targets) else nullcontext())
        yield


def _function(name: str) -> Any:
    """What a dotted name stands for, where its module is loaded and it is no module itself."""
    module, _, attribute = name.rpartition(".")
    found = getattr(sys.modules.get(module), attribute, None)
    return found if callable(found) else None


@contextmanager
def _replaced(name: str, function: Any) -> Iterator[None]:
    """Every module of the library that holds the function holds one that refuses instead."""

    def refuse(*_: Any, **__: Any) -> None:
        raise Forbidden(name)

    library = name.partition(".")[0]
    modules = [vars(m) for n, m in list(sys.modules.items()) if n.partition(".")[0] == library and m is not None]
    places = [(names, key) for names in modules for key, value in list(names.items()) if value is function]
    for holder, key in places:
        holder[key] = refuse
    try:
        yield
    finally:
        for holder, key in places:
            holder[key] = function


@contextmanager
def _watched(targets: dict[str, Any]) -> Iterator[None]:
    """torch refuses these functions, and the operations of their names, from any reference to them."""
    from torch.overrides import TorchFunctionMode

    operations = {name.rpartition(".")[2] for name in targets}
    if any(name.startswith("conv") for name in operations):
        operations |= {*CONVOLUTIONS}

    class Refusing(TorchFunctionMode):
        def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            operation = getattr(function, "__name__", "").partition(".")[0]
            if operation in operations or any(function is target for target in targets.values()):
                raise Forbidden(f"torch's {operation}")
            return function(*args, **(kwargs or {}))

    with Refusing():
        yield
