from __future__ import annotations

import numpy as np
import pytest

from tsea.evals.planted.directions import background_rows, planted_part
from tsea.evals.planted.subject import STRENGTHS
from tsea.evals.planted.truth import Planted
from tsea.labeler.evidence import alignments
from tsea.tools.workbench import Workbench


def test_strength_counts_standard_deviations_of_isotropic_directions(pocket_bench: Workbench) -> None:
    subject = pocket_bench.subject
    rows = background_rows(subject, "isotropic", 4000)
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1)
    for ids in (subject.universe[:40], subject.universe[::9]):
        own = subject.whitened[:, np.isin(subject.universe, ids)].mean(axis=1)
        before = rows @ own
        raised = (rows + planted_part(subject, [ids], 7.0)) @ own
        assert (raised - before) / before.std() == pytest.approx(7.0, rel=0.05)


def test_two_meanings_add_up_and_no_set_adds_nothing(pocket_bench: Workbench) -> None:
    subject = pocket_bench.subject
    one, other = subject.universe[:30], subject.universe[100:400]
    both = planted_part(subject, [one, other], 5.0)
    assert both == pytest.approx(planted_part(subject, [one], 5.0) + planted_part(subject, [other], 5.0))
    assert not planted_part(subject, [], 5.0).any()


def test_background_of_the_dictionary_varies_as_its_directions_do(pocket_bench: Workbench) -> None:
    subject = pocket_bench.subject
    values, axes = np.linalg.eigh(subject.direction_model.covariance)
    spread = {kind: background_rows(subject, kind, 3000) @ axes for kind in ("isotropic", "dictionary")}
    ratio = {kind: (rows[:, -5:].var() / rows[:, 5:30].var()) for kind, rows in spread.items()}
    assert ratio["isotropic"] == pytest.approx(1, abs=0.1)
    assert ratio["dictionary"] == pytest.approx(values[-5:].mean() / values[5:30].mean(), rel=0.15)


def test_stronger_features_are_closer_to_their_own_set(planted: Planted) -> None:
    bench = planted.workbench
    columns = {s.name: n for n, s in enumerate(bench.sets)}
    alone = [n for n, one in enumerate(planted.outputs) if one.kind in ("library", "rival")]
    names = [planted.outputs[n].sets[0].spec.library_names[0] for n in alone]
    aligned = alignments(bench, bench.subject.decoder[alone])[np.arange(len(alone)), [columns[name] for name in names]]
    strength = np.array([planted.outputs[n].strength for n in alone])
    means = np.array([aligned[strength == one].mean() for one in STRENGTHS])
    width = np.sqrt(bench.subject.d_model)
    # A part of `strength` beside background of `width`; open tokens stand for most of the set.
    expected = np.array(STRENGTHS) / np.sqrt(width**2 + np.array(STRENGTHS) ** 2)
    assert np.all(np.diff(means) > 0) and means == pytest.approx(expected, rel=0.15, abs=0.03)
