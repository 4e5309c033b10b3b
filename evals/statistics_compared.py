"""Which statistic of token sets finds most: `tsea eval statistics [--by-layer]`.

A feature has a hit when Benjamini-Hochberg at 5 % over all sets and both sides of the feature finds one, with p-values
from reference directions (the specific null). Two controls: matched random directions on the same sets, and the same
features on shuffled sets, the library with its tokens permuted. A statistic that depends on the spread of a feature's
weights finds shuffled sets too, since heavy tails alone tell features from directions. `holds` is the share of
features whose best hit is raised on confirm tokens as well (rank tail of the logit weights, p <= .05).
Features are split by parity: statistics are chosen on the even half, the odd half is reported.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch

from ..tools.directions import SEED, direction_model, matched_directions
from ..tools.progress import Progress, silent
from ..tools.statistics.enrichment import SetIndex
from ..tools.statistics.fdr import benjamini_hochberg
from ..tools.statistics.projection import standardise
from ..tools.subject.pocket.recipe import RECIPE
from ..tools.views import MIN_CONFIRM_MEMBERS, View
from ..tools.workbench import Workbench
from .candidates import COMBINATIONS, FAMILIES, FEW, YARDSTICK, Combination, Family, read_out
from .excess import excess_share
from .results import Report, markdown_table

LEVEL = 0.05
NULL = "specific"
BATCH = 1024
# A single test can be a hit from 1 / LEVEL draws per test on: 20,760 for the bundled library's two sides of 519 sets.
REFERENCES = 22 * BATCH
RANDOM = 4096
SHUFFLE_SEED = 18
LAYERS = ("pocket", "pocket-random", *(f"pocket/neurons/{layer}" for layer in range(RECIPE.model.layers)))


@dataclass(frozen=True)
class Measured:
    """Shares with a hit, of features (both halves), random directions and features on shuffled sets (odd half).

    `excess` is over random directions, `excess_over_both` over the larger of both controls; `se` is the standard error
    of `excess`; `selection` is `excess_over_both` on the even half. `holds` is None without hits that can be confirmed.
    """

    subject: str
    hook: str
    ranking: str
    statistic: str
    selection: float
    features: float
    random: float
    shuffled: float
    excess: float
    se: float
    excess_over_both: float
    holds: float | None


@dataclass(frozen=True)
class Scale:
    """How many directions a comparison takes."""

    references: int = REFERENCES
    random: int = RANDOM
    features: int | None = None


class Comparison:
    """One subject's directions, on its open tokens with true and shuffled sets, and on confirm tokens."""

    def __init__(self, workbench: Workbench, scale: Scale) -> None:
        self.workbench, self.scale = workbench, scale
        subject = workbench.subject
        self.features = subject.decoder[subject.alive][: scale.features]
        self.random = matched_directions(subject, scale.random)
        self.model = direction_model(subject, NULL)
        self.view = with_shuffled_sets(workbench.views["open"])

    def rows(self, families: Iterable[Family], combinations: Sequence[Combination] = ()) -> Iterator[Measured]:
        """Measure every statistic of the families, and what combines them."""
        held = self._held()
        parts = {name for combination in combinations for name in combination.parts}
        kept: dict[str, np.ndarray] = {}
        for family in families:
            p = self.p_values(family, self.view, np.concatenate([self.features, self.random]))
            for name, found in p.items():
                yield self._measured(family.ranking, name, found, held)
                if family.ranking == "logit weights" and name in parts:
                    kept[name] = found
        for combination in combinations:
            found = combination.combine([kept[name] for name in combination.parts], self.view.sets.sizes)
            yield self._measured("logit weights", combination.name, found, held)

    def p_values(self, family: Family, view: View, directions: np.ndarray) -> dict[str, np.ndarray]:
        """One-sided p (n, 2, sets) of each statistic of a family for directions (n, D)."""
        matrix = read_out(family.ranking, self.workbench.subject.unembedding, self.model)[:, view.tokens]

        def values(batch: torch.Tensor) -> np.ndarray:
            found = family.evaluate(view, standardise(batch @ matrix))
            return found.reshape(len(found), -1)

        samples = (self.model.sample(BATCH, [SEED[NULL], batch]) for batch in range(self.scale.references // BATCH))
        reference = np.concatenate([values(sample) for sample in samples])
        p = p_of_counts(reference, np.concatenate([values(part) for part in torch.from_numpy(directions).split(BATCH)]))
        by_statistic = p.reshape(len(p), 2, len(family.names), -1)
        return {name: by_statistic[:, :, number] for number, name in enumerate(family.names)}

    def _held(self) -> np.ndarray:
        """Whether each feature raises each set on confirm tokens, (features, 2, sets); NaN where members are few."""
        view = self.workbench.views["confirm"]
        (p,) = self.p_values(YARDSTICK, view, self.features).values()
        return np.where(view.sets.sizes >= MIN_CONFIRM_MEMBERS, p <= LEVEL, np.nan)

    def _measured(self, ranking: str, name: str, p: np.ndarray, held: np.ndarray) -> Measured:
        count, sets = len(self.features), len(self.workbench.sets)
        true, shuffled, random = p[:count, :, :sets], p[:count, :, sets:], p[count:, :, :sets]
        hit, on_shuffled = _has_hit(true), _has_hit(shuffled)
        by_chance = _has_hit(random)
        share, chance = hit[1::2].mean(), by_chance.mean()
        excess, se = excess_share(hit[1::2], by_chance)
        return Measured(
            subject=self.workbench.subject.name,
            hook=self.workbench.subject.hook_name,
            ranking=ranking,
            statistic=name,
            selection=float(hit[::2].mean() - max(chance, on_shuffled[::2].mean())),
            features=float(share),
            random=float(chance),
            shuffled=float(on_shuffled[1::2].mean()),
            excess=excess,
            se=se,
            excess_over_both=float(share - max(chance, on_shuffled[1::2].mean())),
            holds=_share_held(true[1::2], held[1::2]),
        )


def p_of_counts(reference: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """Upper-tail p (n, columns) of observed values among reference draws (m, columns): (r + 1) / (m + 1)."""
    draws = len(reference)

    def column(drawn: np.ndarray, values: np.ndarray) -> np.ndarray:
        return (draws - np.searchsorted(np.sort(drawn), values) + 1) / (draws + 1)

    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        return np.stack(list(pool.map(column, reference.T, observed.T)), axis=1)


def with_shuffled_sets(view: View) -> View:
    """The view with its sets and, after them, the same sets on randomly permuted tokens."""
    shuffled = np.random.default_rng([SHUFFLE_SEED]).permutation(len(view.tokens))
    members = [view.members(column) for column in range(len(view.sets))]
    return View(view.tokens, SetIndex.from_positions([*members, *(shuffled[m] for m in members)], len(view.tokens)))


def _has_hit(p: np.ndarray) -> np.ndarray:
    """Whether BH within each direction of p (n, 2, sets) finds a set."""
    return np.any(benjamini_hochberg(p.reshape(len(p), -1)) <= LEVEL, axis=1)


def _share_held(p: np.ndarray, held: np.ndarray) -> float | None:
    """Share of features whose hit of smallest p, among sets that can be confirmed, is held; both (n, 2, sets)."""
    flat, outcome = p.reshape(len(p), -1), held.reshape(len(p), -1)
    hits = (benjamini_hochberg(flat) <= LEVEL) & ~np.isnan(outcome)
    found = np.flatnonzero(hits.any(axis=1))
    best = np.where(hits, flat, np.inf)[found].argmin(axis=1)
    return float(outcome[found, best].mean()) if len(found) else None


def table(rows: Sequence[Measured]) -> str:
    """Markdown: what a statistic finds, beside both controls."""
    shares = ("selection", "features", "random", "shuffled", "excess", "se", "excess_over_both")
    return markdown_table(
        (
            "subject",
            "ranking",
            "statistic",
            "selection half: excess over both",
            "features",
            "random directions",
            "shuffled sets",
            "excess",
            "s.e.",
            "excess over both",
            "best hit holds",
        ),
        [
            (
                *(r.subject, r.ranking, r.statistic),
                *(f"{getattr(r, name):.3f}" for name in shares),
                "" if r.holds is None else f"{r.holds:.3f}",
            )
            for r in rows
        ],
    )


def report(by_layer: bool = False, progress: Progress = silent) -> Report:
    """Every statistic on the bundled subject, or a few of them on each of its layers and on the untrained one."""
    rows: list[Measured] = []
    for name in LAYERS if by_layer else ("pocket",):
        compared = Comparison(Workbench.open(name, imported=False, progress=progress), Scale())
        found = compared.rows(FEW) if by_layer else compared.rows(FAMILIES, COMBINATIONS)
        rows += sorted(found, key=lambda row: -row.selection)
    return Report.of("statistics_by_layer" if by_layer else "statistics", rows, table(rows))
