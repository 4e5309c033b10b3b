"""Compile kernels with Numba."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba  # pyright: ignore[reportMissingTypeStubs]

_Function = TypeVar("_Function", bound=Callable[..., Any])


def compiled(function: _Function) -> _Function:
    """The function compiled on its first call to run without the GIL; machine code is cached where that can be done."""
    njit = cast(Any, numba).njit
    try:
        return cast(_Function, njit(cache=True, nogil=True)(function))
    except RuntimeError:  # Numba found no writable place for its cache
        return cast(_Function, njit(nogil=True)(function))
