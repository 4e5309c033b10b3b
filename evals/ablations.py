"""The statistical labeler with one part taken out or replaced, to see what that part is worth.

Each labels features of a workbench and writes nothing down. They say what features promote and suppress; the plainest,
which only counts tokens, also says what they fire on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import torch

from ..labeler.batch import claims_by_block
from ..labeler.claims import LEVEL, MAX_SETS, Claim, Judged
from ..labeler.evidence import KEPT_P, Evidence, gather_evidence
from ..labeler.overlap import OverlapTest
from ..labeler.statistical import StatisticalLabeler
from ..tools.activations.examples import top
from ..tools.activations.indexing import has_index
from ..tools.directions import SEED, direction_model
from ..tools.nulls import BATCH
from ..tools.statistics.enrichment import SetIndex
from ..tools.statistics.ks_null import p_random
from ..tools.statistics.mass import side_weights
from ..tools.statistics.projection import logit_weights, standardise
from ..tools.statistics.reference import collect
from ..tools.storage.tables import Label
from ..tools.views import MIN_CONFIRM_MEMBERS, View, ViewName, both_sides
from ..tools.workbench import Workbench
from .normal_tail import with_normal_tails

TOP_TOKENS = 20
REFERENCES = 20 * BATCH
_VIEWS: tuple[ViewName, ...] = ("open", "confirm")
# Enrichment scores (F, 2, S) by side in a view, to one-sided p of the same shape.
_PValues = Callable[[ViewName, np.ndarray], np.ndarray]


class _NoOverlapTest(OverlapTest):
    def explained(self, weights: torch.Tensor, column: int, better: int) -> bool:
        return False


def without_overlap(workbench: Workbench, features: np.ndarray) -> list[Label]:
    """The whole rule, but sets that a better one explains are claimed too."""
    directions = workbench.subject.decoder[features]
    judged = Judged.of(_gathered(workbench, directions, gather_evidence), len(workbench.sets))
    found = claims_by_block(workbench, directions, judged, _NoOverlapTest(workbench))
    return _labels(workbench, features, judged, [claim for _, block in found for claim in block])


def random_set_null(workbench: Workbench, features: np.ndarray) -> list[Label]:
    """Classic enrichment: ES p=0 of logit weights, exact p over random sets of tokens; otherwise the claim rule.

    The random-set p (two-sided) counts for the side of the score, and for both nulls.
    """

    def p_values(view: ViewName, scores: np.ndarray) -> np.ndarray:
        shown = workbench.views[view]
        known = np.flatnonzero(~np.isnan(scores).any(axis=(0, 1)))
        both = scores[:, :, known]
        p = p_random(both.max(axis=1), shown.sets.sizes[known], len(shown.tokens))
        found = np.full(scores.shape, np.nan)
        found[:, :, known] = np.where(both >= both[:, ::-1], p[:, None], 1.0)
        return found

    return _by_score(workbench, features, p_values, p_values)


def unweighted_score(workbench: Workbench, features: np.ndarray) -> list[Label]:
    """ES p=0 of logit weights in place of the mass, under both direction nulls; otherwise the claim rule."""
    present, specific = (_direction_null(workbench, null) for null in ("present", "specific"))
    return _by_score(workbench, features, present, specific)


def top_tokens(workbench: Workbench, features: np.ndarray) -> list[Label]:
    """The library set with the largest share of the TOP_TOKENS most promoted open tokens, of equals the smallest.

    Where there is an index, also the one with the largest share of the tokens of the TOP_TOKENS strongest open firings.
    """
    view = workbench.views["open"]
    reads = has_index(workbench.subject)
    labels: list[Label] = []
    for part in workbench.feature_blocks(features):
        weights = workbench.open_weights(workbench.subject.decoder[part])
        promoted = _shares(view, np.argsort(-weights, axis=1, kind="stable")[:, :TOP_TOKENS])
        for feature, own in zip(part.tolist(), promoted, strict=True):
            name, description = _widest(workbench, own)
            said = [{"side": "output", "direction": "promotes", "spec": {"library": name}, "claim": "present"}]
            text = f"Promotes {description}."
            if reads and (fired := _strongest_tokens(workbench, feature)) is not None:
                name, description = _widest(workbench, _counted(workbench, fired))
                spec = {"token": {"library": name}}
                said.append({"side": "input", "direction": "fires", "spec": spec, "claim": "present"})
                text = f"{text} Fires on {description}."
            labels.append(
                Label(
                    feature=feature,
                    status="labelled",
                    text=text,
                    kind="",
                    claim="present",
                    hypotheses=said,
                    provenance={"labeler": "top-tokens"},
                )
            )
    return labels


def _shares(view: View, top: np.ndarray) -> np.ndarray:
    """How many of some positions of the view (F, n) each set holds, (F, S)."""
    marked = np.zeros((len(top), len(view.tokens)), np.float32)
    np.put_along_axis(marked, top, 1, axis=1)
    return (torch.from_numpy(marked) @ view.membership).numpy()


def _strongest_tokens(workbench: Workbench, feature: int) -> np.ndarray | None:
    """Token ids of the strongest open firings of a feature; None where it never fires."""
    part = workbench.activity.part
    positions = [one.position for one in top(part.firings(feature), TOP_TOKENS)]
    return part.tokens(np.array(positions)) if positions else None


def _counted(workbench: Workbench, ids: np.ndarray) -> np.ndarray:
    """How many of some token ids each set of the library holds, (S,)."""
    return np.array([np.isin(ids, one.ids).sum() for one in workbench.sets])


def _widest(workbench: Workbench, hits: np.ndarray) -> tuple[str, str]:
    """Name and description of the set with the most hits (S,), of equals the smallest."""
    chosen = workbench.sets[int(np.lexsort((workbench.views["open"].sets.sizes, -hits))[0])]
    return chosen.name, chosen.description


ABLATIONS: Mapping[str, Callable[[Workbench, np.ndarray], list[Label]]] = {
    "random-set": random_set_null,
    "es-p0": unweighted_score,
    "no-overlap": without_overlap,
    "top-tokens": top_tokens,
}


def _by_score(workbench: Workbench, features: np.ndarray, present: _PValues, specific: _PValues) -> list[Label]:
    """The claim rule on enrichment scores: error control, confirmation, overlap; no set of theirs has a top member."""
    directions = workbench.subject.decoder[features]

    def gathered(workbench: Workbench, rows: np.ndarray) -> Evidence:
        return _score_evidence(workbench, rows, present, specific)

    evidence = _gathered(workbench, directions, gathered)
    judged = Judged.of(evidence, len(workbench.sets))
    overlap = OverlapTest(workbench)
    claims = list(_score_claims(workbench, directions, judged, overlap))
    return _labels(workbench, features, judged, claims)


def _score_claims(
    workbench: Workbench, directions: np.ndarray, judged: Judged, overlap: OverlapTest
) -> Iterator[Claim | None]:
    evidence, levels = judged.evidence, judged.levels
    eligible = (levels.present <= LEVEL) & (evidence.confirm_present <= LEVEL)
    for part in workbench.feature_blocks(np.arange(len(directions))):
        weights = side_weights(workbench.mass_weights(directions[part])).cpu()
        for own, direction in zip(weights, part.tolist(), strict=True):
            rows = [row for row in judged.rows_of(direction) if eligible[row]]
            kept: list[int] = []
            for row in sorted(rows, key=lambda r: -evidence.strength[r]):
                side, column = int(evidence.side[row]), int(evidence.column[row])
                rivals = [int(evidence.column[k]) for k in kept if evidence.side[k] == side]
                if not any(overlap.explained(own[side], column, rival) for rival in rivals):
                    kept.append(row)
                if len(kept) == MAX_SETS:
                    break
            specific = (levels.specific[kept] <= LEVEL) & (evidence.confirm_specific[kept] <= LEVEL)
            ordered = tuple(np.array(kept, np.int64)[np.argsort(~specific, kind="stable")].tolist())
            count = int(specific.sum())
            yield Claim(ordered, count, count > 0, False, float(levels.present[ordered[0]])) if ordered else None


def _score_evidence(workbench: Workbench, directions: np.ndarray, present: _PValues, specific: _PValues) -> Evidence:
    rows = torch.from_numpy(np.ascontiguousarray(directions))
    scores = {name: _scores(workbench, rows, name) for name in _VIEWS}
    p = {
        (name, null): found(name, scores[name])
        for name in _VIEWS
        for null, found in (("present", present), ("specific", specific))
    }
    at = np.nonzero(np.fmin(p["open", "present"], p["open", "specific"]) <= KEPT_P)
    nothing = np.ones(len(directions))
    return Evidence(
        *at,
        mass=scores["open"][at],
        strength=scores["open"][at],
        alignment=scores["open"][at],
        p_present=p["open", "present"][at],
        p_specific=p["open", "specific"][at],
        confirm_present=p["confirm", "present"][at],
        confirm_specific=p["confirm", "specific"][at],
        codes=workbench.shapes.classes(directions, workbench.shapes.of(directions)),
        concentration=nothing,
        concentration_present=nothing,
        concentration_specific=nothing,
    )


def _scores(workbench: Workbench, directions: torch.Tensor, name: ViewName) -> np.ndarray:
    """ES+ and |ES-| (F, 2, S) of logit weights at p=0; NaN for sets with too few members in the view."""
    view = workbench.views[name]
    own = np.flatnonzero(view.sets.sizes >= MIN_CONFIRM_MEMBERS)
    cut = View(
        view.tokens, SetIndex.from_positions([view.members(column) for column in own.tolist()], len(view.tokens))
    )
    weights = logit_weights(directions, view.columns(workbench.subject.unembedding).to(workbench.subject.device))
    found = np.full((len(directions), 2, len(view.sets)), np.nan)
    found[:, :, own] = both_sides(cut.ranked(standardise(weights)).p0)
    return found


def _direction_null(workbench: Workbench, null: str) -> _PValues:
    """p among random directions of a null, which go through the same scores, with tails beyond what they reach."""
    model = direction_model(workbench.subject, "present" if null == "present" else "specific")

    def reference(name: ViewName) -> Iterator[np.ndarray]:
        for batch in range(REFERENCES // BATCH):
            drawn = model.sample(BATCH, [SEED["tails"], batch])
            yield np.nan_to_num(_scores(workbench, drawn, name)).reshape(BATCH, -1)

    known = {name: with_normal_tails(collect(reference(name), REFERENCES)) for name in _VIEWS}

    def p_values(view: ViewName, scores: np.ndarray) -> np.ndarray:
        return known[view].p_values(scores.reshape(len(scores), -1)).reshape(scores.shape)

    return p_values


def _gathered(
    workbench: Workbench, directions: np.ndarray, gather: Callable[[Workbench, np.ndarray], Evidence]
) -> Evidence:
    parts = workbench.feature_blocks(np.arange(len(directions)))
    return Evidence.concatenate([gather(workbench, directions[part]) for part in parts])


def _labels(workbench: Workbench, features: np.ndarray, judged: Judged, claims: list[Claim | None]) -> list[Label]:
    labeler = StatisticalLabeler(workbench, judged, {"labeler": "ablation"})
    found: list[Label] = []
    for part in workbench.feature_blocks(np.arange(len(features))):
        weights = workbench.open_weights(workbench.subject.decoder[features[part]])
        found += [
            labeler.label(int(features[n]), int(n), own, claims[n])
            for n, own in zip(part.tolist(), weights, strict=True)
        ]
    return found
