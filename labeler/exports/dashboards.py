"""What SAEDashboard's `batch-N.json` files say of features, as Neuronpedia's upload takes it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...tools.errors import TseaError, UsageError

MOST_LOGITS = 20


@dataclass(frozen=True)
class Dashboards:
    """The model and source that files are of, and upload keys by feature: density, logits and activations."""

    model: str
    source: str
    features: Mapping[int, dict[str, Any]]

    @classmethod
    def read(cls, path: Path, wanted: Collection[int]) -> Dashboards:
        """Wanted features from a file, or all `*.json` of a folder.

        Raises UsageError for files of something else, or of several dictionaries; TseaError for unreadable ones.
        """
        files = sorted(path.glob("*.json")) if path.is_dir() else [path]
        if not files:
            raise UsageError(f"{path} holds no .json file: give a batch file of SAEDashboard, or a folder of them.")
        names: set[tuple[str, str]] = set()
        features: dict[int, dict[str, Any]] = {}
        for file in files:
            try:
                batch = json.loads(file.read_bytes())
                names.add((batch["model_id"], f"{batch['layer']}-{batch['sae_set']}"))
                chosen = [one for one in batch["features"] if one["feature_index"] in wanted]
                features |= {one["feature_index"]: _upload_keys(one) for one in chosen}
            except OSError as error:
                raise TseaError(f"Cannot read {file}: {error.strerror or error}. Give another --dashboards.") from error
            except (ValueError, KeyError, TypeError) as error:
                raise UsageError(
                    f"{file} is no batch file of SAEDashboard ({type(error).__name__}: {error})."
                ) from error
        if len(names) > 1:
            found = " and ".join("/".join(name) for name in sorted(names)[:2])
            raise UsageError(f"{path} holds dashboards of {found}: give those of one dictionary.")
        return cls(*names.pop(), features)


def _upload_keys(feature: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "density": feature["frac_nonzero"],
        "topLogits": _logits(feature["pos_str"], feature["pos_values"]),
        "bottomLogits": _logits(feature["neg_str"], feature["neg_values"]),
        "activations": [_activation(one) for one in feature["activations"]],
    }


def _logits(tokens: list[str], values: list[float]) -> list[dict[str, Any]]:
    pairs = zip(tokens, values, strict=True)
    return [{"token": token, "value": value} for token, value in list(pairs)[:MOST_LOGITS]]


def _activation(row: Mapping[str, Any]) -> dict[str, Any]:
    text = {"tokens": row["tokens"], "values": row["values"]}
    if row["bin_contains"] == -1:  # of the strongest, which are no sample of a quantile
        return text
    return text | {
        "quantileMin": row["bin_min"],
        "quantileMax": row["bin_max"],
        "quantileFraction": row["bin_contains"],
    }
