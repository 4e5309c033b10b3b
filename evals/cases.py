"""Calibration cases: directions of known truth, on made-up vocabularies and on the bundled subject.

A true null knows nothing of any token set; a planted direction is a true null raised along the mean unembedding column
of one set, by a few of the standard deviations that this set's mean logit weight has among true nulls.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

import numpy as np
import torch

from ..tools.directions import direction_model, matched_directions
from ..tools.statistics.directions import DirectionModel, unit_rows
from ..tools.statistics.enrichment import SetIndex
from ..tools.statistics.names import NullChoice
from ..tools.subject.subject import Subject
from ..tools.views import View
from ..tools.workbench import Workbench
from .made_up import made_up_subject

ALL_NULLS: tuple[NullChoice, ...] = get_args(NullChoice)
EFFECT = (3.5, 7.0)  # range of planted effects, in null standard deviations
CLUSTER = 20  # tokens
NORM_SPREAD = 0.2  # standard deviation of the log of token norms
NOISE_FREEDOM = 5  # degrees of freedom of the t distribution behind each token's own part
POCKET_SETS = 30


@dataclass(frozen=True)
class Scale:
    """How large a made-up vocabulary and its trial are; `layout` gives (clusters a set, number of such sets)."""

    tokens: int = 20_000
    width: int = 128
    features: int = 2_000
    layout: tuple[tuple[int, int], ...] = ((1, 12), (10, 8), (150, 5))


@dataclass(frozen=True)
class Trial:
    """Directions (F, D) and the column of the set planted in each (F,), -1 in true nulls.

    Of a planted direction only the planted set's truth is known: sets that share tokens or meaning rise with it.
    """

    directions: np.ndarray
    planted: np.ndarray


@dataclass(frozen=True)
class Case:
    """A subject, the tokens and sets tested, and the trial of each null; unembedding columns of the view, centred."""

    name: str
    subject: Subject
    view: View
    unembedding: torch.Tensor
    trials: Mapping[NullChoice, Trial]


def synthetic(name: str, correlation: float, seed: int, scale: Scale) -> Case:
    """Made-up tokens whose unembedding columns correlate within clusters, and a dictionary of true nulls.

    Directions are heavy-tailed along random axes and every second one is planted; all point anywhere with equal
    covariance, so one trial serves every null.
    """
    rng = np.random.default_rng([seed])
    view, columns = _vocabulary(rng, correlation, scale)
    planted = _every_second(rng, scale.features, len(view.sets))
    axes = _random_axes(rng, scale.width)
    rows = plant(_heavy_tailed(rng, axes, scale), planted, view.set_means(columns), np.eye(scale.width), rng)
    dictionary = _heavy_tailed(rng, axes, scale).astype(np.float32)
    return _case(name, view, columns, dictionary, Trial(rows, planted))


def shared_concept(prevalence: float, correlation: float, seed: int, scale: Scale) -> Case:
    """The first set planted in this share of the dictionary itself, whose features are the trial."""
    rng = np.random.default_rng([seed])
    view, columns = _vocabulary(rng, correlation, scale)
    planted = np.where(np.arange(scale.features) < round(prevalence * scale.features), 0, -1)
    nulls = _heavy_tailed(rng, _random_axes(rng, scale.width), scale)
    rows = plant(nulls, planted, view.set_means(columns), np.eye(scale.width), rng)
    return _case(f"concept in {prevalence:.0%}", view, columns, rows, Trial(rows, planted))


def pocket_cases(workbench: Workbench, features: int, seed: int) -> list[Case]:
    """A subject with some sets of its library and two kinds of true nulls of its dictionary; every second is planted.

    `pocket`: matched random directions (isotropic ones for *present*). `pocket_flipped`: decoder rows with random signs
    in the eigenbasis of their covariance, which keeps their heavy tails.
    """
    subject, whole = workbench.subject, workbench.views["open"]
    kept = np.unique(np.linspace(0, len(whole.sets) - 1, POCKET_SETS).astype(int))
    view = View(whole.tokens, SetIndex.from_positions([whole.members(c) for c in kept], len(whole.tokens)))
    columns = torch.from_numpy(subject.unembedding[:, view.tokens])
    columns = columns - columns.mean(dim=1, keepdim=True)
    means = view.set_means(columns)
    model, sphere = direction_model(subject, "specific"), DirectionModel.isotropic(subject.d_model)

    def trial(rows: np.ndarray, covariance: np.ndarray) -> Trial:
        rng = np.random.default_rng([seed])
        planted = _every_second(rng, len(rows), len(view.sets))
        return Trial(plant(unit_rows(rows), planted, means, covariance, rng), planted)

    matched = trial(matched_directions(subject, features), model.covariance)
    isotropic = trial(sphere.sample(features, [seed]).numpy(), sphere.covariance)
    flipped = trial(flipped_rows(subject.decoder[subject.alive][:features], seed), model.covariance)
    return [
        Case("pocket", subject, view, columns, {"random": matched, "present": isotropic, "specific": matched}),
        Case("pocket_flipped", subject, view, columns, {"random": flipped, "specific": flipped}),
    ]


def plant(
    rows: np.ndarray, planted: np.ndarray, set_means: np.ndarray, covariance: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Unit rows (F, D), each raised along the mean (D, S) of its planted set (-1: none), as float32.

    The step is an effect drawn from EFFECT times the spread that unit rows of this covariance have along that mean.
    """
    axes = unit_rows(set_means.T)
    spread = np.sqrt(((axes @ covariance) * axes).sum(axis=1) / np.trace(covariance))
    step = np.where(planted >= 0, rng.uniform(*EFFECT, size=len(rows)) * spread[planted], 0.0)
    return (rows + step[:, None] * axes[planted]).astype(np.float32)


def flipped_rows(decoder: np.ndarray, seed: int) -> np.ndarray:
    """Unit decoder rows (F, D) with random signs in the eigenbasis of their covariance: same mean, same covariance."""
    rows = unit_rows(decoder)
    centre = rows.mean(axis=0)
    _, axes = np.linalg.eigh(np.cov(rows.T, bias=True))
    coordinates = (rows - centre) @ axes
    signs = np.random.default_rng([seed]).choice([-1.0, 1.0], size=coordinates.shape)
    return coordinates * signs @ axes.T + centre


def _every_second(rng: np.random.Generator, features: int, sets: int) -> np.ndarray:
    return np.where(np.arange(features) % 2, rng.integers(sets, size=features), -1)


def _random_axes(rng: np.random.Generator, width: int) -> np.ndarray:
    """Orthonormal rows (D, D). Token columns are heavy-tailed along the coordinates; directions must not share those.

    Rows heavy-tailed along the tokens' own axes know more of the vocabulary than a null direction may.
    """
    return np.linalg.qr(rng.standard_normal((width, width)))[0]


def _heavy_tailed(rng: np.random.Generator, axes: np.ndarray, scale: Scale) -> np.ndarray:
    """Unit rows (F, D) with Laplace coordinates along these axes (D, D)."""
    return unit_rows(rng.laplace(size=(scale.features, scale.width)) @ axes)


def _vocabulary(rng: np.random.Generator, correlation: float, scale: Scale) -> tuple[View, torch.Tensor]:
    """Sets made of whole clusters, and unembedding columns (D, V) that correlate by so much within a cluster."""
    n_clusters = scale.tokens // CLUSTER
    own = rng.standard_t(NOISE_FREEDOM, size=(scale.width, scale.tokens)) * np.sqrt(1 - 2 / NOISE_FREEDOM)
    shared = np.repeat(rng.standard_normal((scale.width, n_clusters)), CLUSTER, axis=1)
    norms = np.exp(NORM_SPREAD * rng.standard_normal(scale.tokens))
    columns = (np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own) * norms
    centred = torch.from_numpy((columns - columns.mean(axis=1, keepdims=True)).astype(np.float32))

    members = np.arange(scale.tokens).reshape(n_clusters, CLUSTER)[rng.permutation(n_clusters)]
    stops = np.cumsum([clusters for clusters, count in scale.layout for _ in range(count)])
    parts = np.split(members, stops)[:-1]  # what no set takes is left over
    return View(np.arange(scale.tokens), SetIndex.from_positions([p.ravel() for p in parts], scale.tokens)), centred


def _case(name: str, view: View, columns: torch.Tensor, dictionary: np.ndarray, trial: Trial) -> Case:
    """One trial for every null."""
    subject = made_up_subject(name, columns.numpy(), dictionary)
    return Case(name, subject, view, columns, dict.fromkeys(ALL_NULLS, trial))
