from __future__ import annotations

import pytest
import torch

from tsea.tools.errors import UsageError
from tsea.tools.subject.compute import Compute


@pytest.mark.parametrize(("device", "dtype"), [("gpu", None), ("cuda:x", None), (None, "float31"), (None, "int8")])
def test_unknown_devices_and_dtypes_are_refused_at_once(device: str | None, dtype: str | None) -> None:
    with pytest.raises(UsageError, match="Unknown d"):
        Compute(device, dtype)


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"), [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")]
)
def test_the_best_device_is_taken_unless_one_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, expected: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: int(cuda))
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert Compute().device == expected
    assert Compute("cpu").device == "cpu"


def test_a_device_that_is_not_there_is_refused_with_those_that_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match="cuda:1 is not available here .*cpu"):
        _ = Compute("cuda:1").device


def test_the_default_dtype_is_float32() -> None:
    assert Compute().dtype == torch.float32
    assert Compute(None, "bfloat16").dtype == torch.bfloat16
