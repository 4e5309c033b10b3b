"""Where a subject's model runs: device and number format, chosen automatically or as asked."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Any

from ..errors import UsageError, nearest

DTYPES = ("float32", "float16", "bfloat16")
_DEVICE = re.compile(r"cpu|mps|cuda(:\d+)?")


@dataclass(frozen=True)
class Compute:
    """The device and dtype asked for; None means the best device here, and float32.

    Malformed names raise UsageError at once. Whether the device exists is only asked when it is first used, since
    asking imports torch.
    """

    requested_device: str | None = None
    requested_dtype: str | None = None

    def __post_init__(self) -> None:
        device, dtype = self.requested_device, self.requested_dtype
        if device is not None and not _DEVICE.fullmatch(device):
            raise UsageError(f"Unknown device {device!r}: use cpu, cuda, cuda:N or mps, or leave it out.")
        if dtype is not None and dtype not in DTYPES:
            offer = nearest(dtype, DTYPES) or f" Use {', '.join(DTYPES)}."
            raise UsageError(f"Unknown dtype {dtype!r}.{offer}")

    @functools.cached_property
    def device(self) -> str:
        """The device's torch name; raises UsageError when it was asked for and is not there."""
        import torch

        available = ["cpu"]
        if torch.backends.mps.is_available():
            available.insert(0, "mps")
        if torch.cuda.is_available():
            available[:0] = ["cuda", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
        wanted = self.requested_device or available[0]
        if wanted not in available:
            raise UsageError(f"Device {wanted} is not available here (there is {', '.join(available)}).")
        return wanted

    @property
    def dtype_name(self) -> str:
        """The dtype as written in configuration files."""
        return self.requested_dtype or DTYPES[0]

    @property
    def dtype(self) -> Any:
        """The torch dtype of the model and the dictionary."""
        import torch

        return getattr(torch, self.dtype_name)
