"""States to and from files, and to and from torch.

A checkpoint is plain data: dicts, lists and tuples of tensors, arrays, numbers and text. As `.npz` it is a zip of one
`.npy` entry for each array, under its own name, and one JSON entry that says how they nest. As `.safetensors` it is a
flat dict of named tensors, which torch's side of that package reads too. Neither can hold code, so loading is safe.
"""

import json
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from twice.autograd import Tensor

STRUCTURE = "structure.json"
ENDINGS = (".npz", ".safetensors")
TORCH_ENDINGS = (".pt", ".pth", ".ckpt", ".bin")


def save(obj: Any, path: str | os.PathLike) -> None:
    """Write a state to a `.npz` or `.safetensors` file: the whole of it, or nothing where something goes wrong."""
    write = {".npz": _write_npz, ".safetensors": _write_safetensors}[_ending("save", path)]
    with _whole_or_nothing(Path(path)) as temporary:
        write(obj, temporary)


def load(path: str | os.PathLike) -> Any:
    """Read what `save` has written; arrays that stand in the file on their own become tensors."""
    read = {".npz": _read_npz, ".safetensors": _read_safetensors}[_ending("load", path)]
    if not Path(path).is_file():
        raise FileNotFoundError(f"load: {path} does not exist, expected a file")
    return read(Path(path))


def _ending(where: str, path: str | os.PathLike) -> str:
    ending = Path(path).suffix.lower()
    if ending in TORCH_ENDINGS:
        raise NotImplementedError(
            f"{where}: {path} ends in {ending!r}, torch's pickled format, which is not supported; with torch at hand: "
            f"twice.save(twice.from_torch(torch.load({Path(path).name!r}, weights_only=True)), "
            f"{Path(path).with_suffix('.npz').name!r})"
        )
    if ending not in ENDINGS:
        raise ValueError(f"{where}: {path} ends in {ending!r}, expected '.npz' or '.safetensors'")
    return ending


@contextmanager
def _whole_or_nothing(path: Path) -> Iterator[Path]:
    """A file beside `path` that takes its place at the end: who reads meanwhile sees the old one or the new one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


# ── .npz ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _write_npz(obj: Any, path: Path) -> None:
    arrays: dict[str, np.ndarray] = {}
    structure = json.dumps(_describe(obj, "", arrays))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(STRUCTURE, structure)
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, array, allow_pickle=False)


def _read_npz(path: Path) -> Any:
    try:
        with np.load(path, allow_pickle=False) as entries:
            arrays = {name: entries[name] for name in entries.files}
        if STRUCTURE not in arrays:  # made by np.savez: a flat dict
            return {name: Tensor(array) for name, array in arrays.items()}
        return _rebuild(json.loads(arrays[STRUCTURE]), arrays)
    except (zipfile.BadZipFile, zlib.error, ValueError, KeyError, EOFError, OSError, TypeError, AttributeError) as e:
        raise ValueError(
            f"load: {path} is broken ({_first_line(e)}), expected an .npz file without pickled objects"
        ) from e


def _describe(thing: Any, path: str, arrays: dict[str, np.ndarray]) -> Any:
    """The structure as JSON: plain values as they are, anything else as `{kind: content}`; arrays go aside."""
    if thing is None or isinstance(thing, bool | int | float | str):
        return thing
    if isinstance(thing, Tensor | np.ndarray | np.generic):
        kind = "tensor" if isinstance(thing, Tensor) else "array" if isinstance(thing, np.ndarray) else "number"
        return {kind: _put_aside(thing.array if isinstance(thing, Tensor) else np.asarray(thing), path, arrays)}
    if isinstance(thing, Mapping):
        pairs = [[_key(key, path), _describe(value, _join(path, key), arrays)] for key, value in thing.items()]
        return {"dict": pairs}
    if isinstance(thing, list | tuple):
        kind = "list" if isinstance(thing, list) else "tuple"
        return {kind: [_describe(value, _join(path, i), arrays) for i, value in enumerate(thing)]}
    raise _refused(path, thing)


def _refused(path: str, thing: Any) -> TypeError:
    kind, place = f"{type(thing).__module__}.{type(thing).__name__}", f"entry {path!r}" if path else "the object"
    advice = " (convert it with twice.from_torch)" if kind.startswith("torch.") else ""
    advice = " (save its state_dict())" if hasattr(thing, "state_dict") else advice
    return TypeError(f"save: {place} is a {kind}, expected tensors, arrays, numbers, text, dicts and lists{advice}")


def _key(key: Any, path: str) -> Any:
    if not isinstance(key, str | int | float | bool | None):
        raise TypeError(f"save: a key of {path or 'the object'!r} is {key!r}, expected text or a number")
    return key


def _join(path: str, key: Any) -> str:
    return f"{path}/{key}" if path else str(key)


def _put_aside(array: np.ndarray, name: str, arrays: dict[str, np.ndarray]) -> str:
    """The name under which the array is kept: its path, unless another has that already."""
    if array.dtype.hasobject:
        raise TypeError(f"save: entry {name!r} has dtype {array.dtype}, expected numbers, booleans or text")
    name = name or "value"
    while name in arrays or name == STRUCTURE:
        name += "~"
    arrays[name] = array
    return name


def _rebuild(thing: Any, arrays: dict[str, np.ndarray]) -> Any:
    if not isinstance(thing, dict):
        return thing
    ((kind, content),) = thing.items()
    make: dict[str, Callable[[Any], Any]] = {
        "tensor": lambda name: Tensor(arrays[name]),
        "array": lambda name: arrays[name],
        "number": lambda name: arrays[name][()],
        "dict": lambda pairs: {key: _rebuild(value, arrays) for key, value in pairs},
        "list": lambda items: [_rebuild(item, arrays) for item in items],
        "tuple": lambda items: tuple(_rebuild(item, arrays) for item in items),
    }
    return make[kind](content)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__


# ── .safetensors ────────────────────────────────────────────────────────────────────────────────────────────────


def _safetensors(where: str) -> Any:
    try:
        import safetensors.numpy
    except ImportError as e:
        raise ImportError(f"{where}: .safetensors needs the package safetensors: pip install safetensors") from e
    return safetensors


def _write_safetensors(obj: Any, path: Path) -> None:
    library = _safetensors("save")
    if not isinstance(obj, Mapping):
        raise TypeError(f"save: the object is a {type(obj).__name__}, expected a flat dict of tensors for .safetensors")
    for name, value in obj.items():
        if not isinstance(name, str) or not isinstance(value, Tensor | np.ndarray):
            raise TypeError(
                f"save: entry {name!r} is a {type(value).__name__}, expected a flat dict of named tensors for "
                ".safetensors (.npz holds nested states)"
            )
    arrays = {name: value.array if isinstance(value, Tensor) else value for name, value in obj.items()}
    try:
        library.numpy.save_file({name: np.require(a, requirements="C") for name, a in arrays.items()}, path)
    except library.SafetensorError as e:
        raise TypeError(f"save: {path} cannot hold this state: {_first_line(e)}") from e


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    library = _safetensors("load")
    try:
        with library.safe_open(path, framework="np") as file:
            for name in file.keys():  # noqa: SIM118  not a dict
                if (dtype := file.get_slice(name).get_dtype()) in ("BF16", "F8_E4M3", "F8_E5M2"):
                    raise TypeError(f"load: {name!r} in {path} has dtype {dtype}, expected one that NumPy has")
            return {name: Tensor(_own(file.get_tensor(name))) for name in file.keys()}  # noqa: SIM118
    except library.SafetensorError as e:
        raise ValueError(f"load: {path} is broken ({_first_line(e)}), expected a .safetensors file") from e


def _own(array: np.ndarray) -> np.ndarray:
    return array if array.flags.writeable else array.copy()


# ── torch ───────────────────────────────────────────────────────────────────────────────────────────────────────


def from_torch(state: Any) -> Any:
    """The same state with copies as tensors of this engine: of a module or an optimiser, nested as it is."""
    import torch

    def convert(tensor: Any, path: str) -> Tensor:
        try:
            return Tensor(np.array(tensor.detach().cpu().resolve_conj().resolve_neg().numpy()))
        except (TypeError, RuntimeError, NotImplementedError) as e:
            kind = f"dtype {tensor.dtype} and layout {tensor.layout}"
            raise TypeError(
                f"from_torch: entry {path!r} has {kind}, expected a dense tensor that NumPy can hold"
            ) from e

    return _convert(state, "", torch.Tensor, convert)


def to_torch(state: Any) -> Any:
    """The same state with copies as torch's tensors: of a module or an optimiser, nested as it is."""
    import torch

    def convert(tensor: Tensor, path: str) -> Any:
        try:
            return torch.from_numpy(tensor.array.copy())
        except TypeError as e:
            raise TypeError(f"to_torch: entry {path!r} has dtype {tensor.dtype}, expected one that torch has") from e

    return _convert(state, "", Tensor, convert)


def _convert(thing: Any, path: str, kind: type, convert: Callable[[Any, str], Any]) -> Any:
    if isinstance(thing, kind):
        return convert(thing, path)
    if isinstance(thing, Mapping):
        return {key: _convert(value, _join(path, key), kind, convert) for key, value in thing.items()}
    if isinstance(thing, list | tuple):
        items = [_convert(value, _join(path, i), kind, convert) for i, value in enumerate(thing)]
        return items if isinstance(thing, list) else tuple(items)
    return thing


def copy_weights(source: Any, target: Any) -> None:
    """Copy the state of a module into one of either engine: every name, shape and dtype must agree, else nothing is."""
    theirs, ours = source.state_dict(), target.state_dict()
    missing, unexpected = (sorted(a.keys() - b.keys()) for a, b in ((ours, theirs), (theirs, ours)))
    if missing or unexpected:
        raise ValueError(f"copy_weights: the source lacks {missing} and also has {unexpected}, expected equal names")
    for name, value in theirs.items():
        came, expected = (f"{tuple(v.shape)} {str(v.dtype).removeprefix('torch.')}" for v in (value, ours[name]))
        if came != expected:
            raise ValueError(f"copy_weights: {name!r} is {came} in the source, expected {expected} as in the target")
    if any(isinstance(v, Tensor) for v in theirs.values()) and not any(isinstance(v, Tensor) for v in ours.values()):
        theirs = to_torch(theirs)
    elif any(isinstance(v, Tensor) for v in ours.values()) and not any(isinstance(v, Tensor) for v in theirs.values()):
        theirs = from_torch(theirs)
    target.load_state_dict(theirs)
