"""Modules that hold modules or parameters: in sequence, in a list, by name."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

from twice.autograd import Tensor
from twice.nn.module import Module, indent
from twice.nn.parameter import Parameter


class Indexed(Module):
    """Children named '0', '1', … or, in a Sequential, as an OrderedDict names them."""

    def _all(self) -> list[Module]:
        return list(self._modules.values())  # type: ignore[arg-type]

    def _become(self, modules: Iterable[Module]) -> None:
        """Exactly these children, numbered anew."""
        modules = list(modules)
        for name in list(self._modules):
            delattr(self, name)
        for number, module in enumerate(modules):
            self.add_module(str(number), module)

    def _name(self, index: int) -> str:
        """The name of the child at a place, which may count from the end."""
        names = list(self._modules)
        if not -len(names) <= index < len(names):
            raise IndexError(f"{self._get_name()}: index {index} is out of range, expected one of {len(names)} modules")
        return names[index]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._all())

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, self._name(index), module)

    def append(self, module: Module) -> Any:
        """One more module at the end."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Any:
        """More modules at the end."""
        for module in list(modules):
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> Any:
        """A module before the one that stands at a place."""
        modules = self._all()
        modules.insert(index, module)
        self._become(modules)
        return self

    def pop(self, index: int) -> Module:
        """Take a module out."""
        module = self[index]  # type: ignore[index]
        del self[index]  # type: ignore[attr-defined]
        return module

    def __iadd__(self, others: Iterable[Module]) -> Any:
        return self.extend(others)


class Sequential(Indexed):
    """One module after the other, each called with what the one before answered."""

    def __init__(self, *modules: Any):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            named: Iterable = modules[0].items()
        else:
            named = ((str(number), module) for number, module in enumerate(modules))
        for name, module in named:
            self.add_module(name, module)

    def forward(self, input: Any) -> Any:
        for module in self._modules.values():
            input = module(input)  # type: ignore[misc]
        return input

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return type(self)(OrderedDict(list(self._modules.items())[index]))
        return self._modules[self._name(index)]

    def __delitem__(self, index: int | slice) -> None:
        chosen = list(self._modules)[index] if isinstance(index, slice) else [self._name(index)]
        for name in chosen:
            delattr(self, name)
        self._become(self._all())

    def __add__(self, other: "Sequential") -> "Sequential":
        return Sequential(*self, *other)


class ModuleList(Indexed):
    """A list whose entries are children of the module that holds it."""

    def __init__(self, modules: Iterable[Module] | None = None):
        super().__init__()
        self.extend(modules or ())

    def __getitem__(self, index: int | slice) -> Any:
        return type(self)(self._all()[index]) if isinstance(index, slice) else self._modules[self._name(index)]

    def __delitem__(self, index: int | slice) -> None:
        modules = self._all()
        del modules[index]
        self._become(modules)

    def __add__(self, others: Iterable[Module]) -> "ModuleList":
        return ModuleList([*self, *others])

    def __repr__(self) -> str:
        """Neighbours that read the same are shown once."""
        lines = []
        for text, alike in groupby(enumerate(map(repr, self)), key=lambda pair: pair[1]):
            places = [place for place, _ in alike]
            first, last = places[0], places[-1]
            shown = f"({first}): {text}" if first == last else f"({first}-{last}): {len(places)} x {text}"
            lines.append(indent(shown))
        return "\n  ".join([f"{self._get_name()}(", *lines]) + "\n)" if lines else f"{self._get_name()}()"


class Keyed(Module):
    """Entries by name, in one of the module's registries."""

    _held = "_modules"

    def _entries(self) -> dict[str, Any]:
        return self.__dict__[self._held]

    def __getitem__(self, key: str) -> Any:
        return self._entries()[key]

    def __setitem__(self, key: str, value: Any) -> None:
        raise NotImplementedError

    def __delitem__(self, key: str) -> None:
        self[key]  # an unknown key is a KeyError
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._entries())

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries())

    def __contains__(self, key: str) -> bool:
        return key in self._entries()

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._entries().keys()

    def items(self) -> Iterable[tuple[str, Any]]:
        """Names and entries."""
        return self._entries().items()

    def values(self) -> Iterable[Any]:
        """The entries."""
        return self._entries().values()

    def pop(self, key: str) -> Any:
        """Take an entry out."""
        value = self[key]
        del self[key]
        return value

    def clear(self) -> None:
        """Take all entries out."""
        for key in list(self):
            del self[key]

    def update(self, entries: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> None:
        """Add or exchange entries."""
        for key, value in entries.items() if isinstance(entries, Mapping | Keyed) else entries:
            self[key] = value


class ModuleDict(Keyed):
    """A dictionary whose values are children of the module that holds it."""

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None):
        super().__init__()
        self.update(modules or {})

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)


class ParameterList(Module):
    """A list whose entries are parameters of the module that holds it; plain tensors become parameters."""

    def __init__(self, values: Iterable[Tensor] | None = None):
        super().__init__()
        self.extend(values or ())

    def _name(self, index: int) -> str:
        if not -len(self) <= index < len(self):
            raise IndexError(f"ParameterList: index {index} is out of range, expected one of {len(self)} parameters")
        return str(index % len(self))

    def __getitem__(self, index: int | slice) -> Any:
        return type(self)(list(self)[index]) if isinstance(index, slice) else self._parameters[self._name(index)]

    def __setitem__(self, index: int, value: Tensor) -> None:
        setattr(self, self._name(index), _as_parameter(value))

    def __len__(self) -> int:
        return len(self._parameters)

    def __iter__(self) -> Iterator[Parameter]:
        return iter(list(self._parameters.values()))  # type: ignore[arg-type]

    def append(self, value: Tensor) -> "ParameterList":
        """One more parameter at the end."""
        self.register_parameter(str(len(self)), _as_parameter(value))
        return self

    def extend(self, values: Iterable[Tensor]) -> "ParameterList":
        """More parameters at the end."""
        for value in list(values):
            self.append(value)
        return self

    __iadd__ = extend

    def extra_repr(self) -> str:
        return _listed(enumerate(self))


class ParameterDict(Keyed):
    """A dictionary whose values are parameters of the module that holds it; plain tensors become parameters."""

    _held = "_parameters"

    def __init__(self, parameters: Mapping[str, Tensor] | Iterable[tuple[str, Tensor]] | None = None):
        super().__init__()
        self.update(parameters or {})

    def __setitem__(self, key: str, value: Tensor) -> None:
        self.register_parameter(key, _as_parameter(value))

    def get(self, key: str, default: Any = None) -> Any:
        """The parameter of a name, or the default."""
        return self._parameters.get(key, default)

    def extra_repr(self) -> str:
        return _listed(self.items())


def _as_parameter(value: Any) -> Parameter:
    if not isinstance(value, Tensor):
        raise TypeError(f"parameters: a {type(value).__name__} came, expected a Parameter or a Tensor")
    return value if isinstance(value, Parameter) else Parameter(value)


def _listed(items: Iterable[tuple[Any, Parameter]]) -> str:
    """A line for each parameter: its name, dtype and shape."""
    return "\n".join(
        f"  ({name}): Parameter containing: [{parameter.dtype} of size {'x'.join(map(str, parameter.shape))}]"
        for name, parameter in items
    )
