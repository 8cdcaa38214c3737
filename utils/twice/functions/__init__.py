"""torch's everyday functions and methods on tensors: the elementary kernels, lifted, under torch's names.

One room for each kind; importing them gives the Tensor its methods and its operators.
"""

# ruff: noqa: F401, F403  this file collects: what it imports is what it offers

from twice.functions import (
    arithmetic,
    choosing,
    comparing,
    dtypes,
    in_place,
    indexing,
    joining,
    looking,
    making,
    operators,
    ordering,
    products,
    reductions,
    shape,
)
from twice.functions.arithmetic import *
from twice.functions.choosing import *
from twice.functions.comparing import *
from twice.functions.dtypes import *
from twice.functions.dtypes import to
from twice.functions.in_place import *
from twice.functions.indexing import *
from twice.functions.joining import *
from twice.functions.looking import *
from twice.functions.ordering import *
from twice.functions.products import *
from twice.functions.reductions import *
from twice.functions.shape import *

__all__: list[str] = []
__all__ += arithmetic.__all__
__all__ += choosing.__all__
__all__ += comparing.__all__
__all__ += dtypes.__all__
__all__ += in_place.__all__
__all__ += indexing.__all__
__all__ += joining.__all__
__all__ += looking.__all__
__all__ += ordering.__all__
__all__ += products.__all__
__all__ += reductions.__all__
__all__ += shape.__all__
