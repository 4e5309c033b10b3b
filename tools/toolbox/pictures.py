"""The tool that sets the logit weights of a token set's members beside those of all other tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from ..definitions import short_name
from ..features import require_feature
from ..tool import MAX_TEXT, Answer, Feature, SubjectArguments, Tool

if TYPE_CHECKING:
    import numpy as np

    from ..investigation import Investigation
    from ..plots.plot_data import PlotData

_BINS = 16
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


class SplitHistogram(SubjectArguments):
    """Arguments of split_histogram."""

    feature: Feature
    token_set: str = Field(
        min_length=1, max_length=MAX_TEXT, description="A library name, or JSON as for test_token_set."
    )
    plot: Literal["histogram", "running_sum"] = Field(
        "histogram", description="The picture: both groups' weights, or the running sum down the ranking."
    )
    include_image: bool = Field(True, description="false: the numbers alone.")


def split_histogram(investigation: Investigation, given: SplitHistogram) -> Answer:
    """How the weights of a set's members lie beside all others."""
    from ..feature_plots import FeaturePlot
    from ..token_sets.spec import parse_spec

    workbench = investigation.workbench(given.subject)
    feature = require_feature(given.feature, workbench.subject.n_features)
    spec = parse_spec(investigation.spec(given.token_set, given.subject))
    name = short_name(given.token_set, spec)
    plot = FeaturePlot.of(workbench, feature, spec, name if isinstance(name, str) else None)
    inside, data = plot.mask, plot.data(given.plot)
    content: dict[str, Any] = {
        "feature": feature,
        "set": plot.set_name,
        "members": _group(plot.weights[inside]),
        "others": _group(plot.weights[~inside]),
        "auroc": plot.auroc,
        "es_promoted": plot.walk().es_positive,
        "es_suppressed": plot.walk().es_negative,
        "bins": _bins(data),
        "note": "open tokens, logit weights centred; auroc: a member above a non-member.",
    }
    picture = plot.png(given.plot) if given.include_image else None
    return Answer(content, picture=picture, plot=data.model_dump())


def _bins(data: PlotData) -> dict[str, Any]:
    """The histogram in a dozen bins or so: neighbouring ones joined."""
    import numpy as np

    step = -(-len(data.inside.counts) // _BINS)
    starts = np.arange(0, len(data.inside.counts), step)
    joined = {name: np.add.reduceat(getattr(data, name).counts, starts).tolist() for name in ("inside", "outside")}
    return {"edges": [*data.edges[:-1:step], data.edges[-1]], "members": joined["inside"], "others": joined["outside"]}


def _group(weights: np.ndarray) -> dict[str, Any]:
    import numpy as np

    return {
        "tokens": len(weights),
        "mean": float(weights.mean()),
        "sd": float(weights.std()),
        "quantiles_5_25_50_75_95": np.quantile(weights, _QUANTILES).tolist(),
    }


PICTURE_TOOLS: list[Tool[Any]] = [
    Tool(
        "split_histogram",
        "Split histogram",
        "Logit weights of a token set's members beside those of all other open tokens: a whole group moved, or a few "
        "tokens? Numbers and a picture.",
        SplitHistogram,
        split_histogram,
    )
]
