"""Methods that make another tensor in the manner of this one."""

from collections.abc import Callable

from twice import creation
from twice.autograd import Tensor
from twice.functions.lifting import attach


def _new(make: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """`new_zeros` and its kin: made in this tensor's dtype."""
    return lambda self, *args, dtype=None, **options: make(*args, dtype=dtype or self.dtype, **options)


for _name in ("zeros", "ones", "empty", "full", "tensor"):
    attach(f"new_{_name}", _new(getattr(creation, _name)))
attach("bernoulli", creation.bernoulli)
attach("multinomial", creation.multinomial)
