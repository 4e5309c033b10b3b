"""What a feature writes into the model, where, and how much of it stands there on rows of tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..activations.rows import padded
from ..directions import isotropic_rows, matched_rows
from ..errors import UsageError
from ..features import require_feature
from ..progress import Progress, silent
from ..subject.reading import feature_activations, row_start
from ..subject.subject import Subject

_BATCH_BYTES = 64 * 2**20  # activations of all features
# SAEs that undo, behind the decoder, a scaling of each token's input: what encoding leaves them for that, and the power
# of it that they multiply by. The others write their rows as they are.
_KEPT_SCALE = {"layer_norm": ("ln_std", 1), "constant_norm_rescale": ("x_norm_coeff", -1)}
_UNSCALED = ("none", "expected_average_only_in")


def written_row(subject: Subject, feature: int) -> np.ndarray:
    """What an activation of 1 adds at `subject.hook_out`, (width there,) float32, as the dictionary writes it.

    A neuron adds to itself alone; bare directions are rows of the residual stream. Raises UsageError for a feature that
    does not exist or writes nothing.
    """
    require_feature(feature, subject.n_features)
    if _is_neurons(subject):
        return np.eye(1, subject.n_features, feature, dtype=np.float32)[0]
    row = _rows(subject, slice(feature, feature + 1))[0]
    if not row.any():
        raise UsageError(f"Feature {feature} writes nothing, its decoder row is zero: choose another one.")
    return row


def random_rows(subject: Subject, feature: int, count: int) -> np.ndarray:
    """Random directions (count, width) at `subject.hook_out`, each with the norm of the feature's row.

    They have the mean and covariance of the live features' rows; among neurons, whose rows are the axes, every
    direction is equally likely.
    """
    row = written_row(subject, feature)
    neurons = _is_neurons(subject)
    drawn = isotropic_rows(len(row), count) if neurons else matched_rows(_rows(subject, subject.alive), count)
    norms = np.linalg.norm(drawn.astype(np.float64), axis=1, keepdims=True)
    return (drawn / norms * np.linalg.norm(row.astype(np.float64))).astype(np.float32)


def activations(
    subject: Subject, windows: Sequence[np.ndarray], feature: int, progress: Progress = silent
) -> list[np.ndarray]:
    """How much of a feature the dictionary finds at each token of windows: float32, (tokens,) each.

    Special tokens count as 0, as in the index. Raises UsageError for bare directions.
    """
    special, begun = list(subject.vocabulary.special), len(row_start(subject))
    size = max(map(len, windows)) + begun
    step = max(1, _BATCH_BYTES // (4 * size * subject.n_features))
    found: list[np.ndarray] = []
    for start in range(0, len(windows), step):
        batch = windows[start : start + step]
        values = feature_activations(subject, as_rows(subject, batch))[:, begun:, feature].float().cpu().numpy()
        found += [np.where(np.isin(w, special), 0, v[: len(w)]) for w, v in zip(batch, values, strict=True)]
        progress("contexts read", len(found), len(windows))
    return found


def token_scales(subject: Subject, windows: Sequence[np.ndarray]) -> list[np.ndarray]:
    """By how much the dictionary multiplies its rows at each token: float32, (tokens,) each.

    1, but for SAEs that normalise each token's input and undo that behind the decoder. Raises UsageError for other
    ways of normalising.
    """
    sae = subject.sae
    # Transcoders normalise what they read and leave what they write as it is.
    kind = "none" if sae is None or subject.hook_out != subject.hook_name else sae.cfg.normalize_activations
    if kind in _UNSCALED:
        return [np.ones(len(window), np.float32) for window in windows]
    if kind not in _KEPT_SCALE:
        raise UsageError(
            f"{subject.name} normalises activations by {kind}, where a feature writes no fixed direction: choose "
            "another SAE."
        )
    name, power = _KEPT_SCALE[kind]
    begun = len(row_start(subject))
    scales: list[np.ndarray] = []
    for window in windows:
        feature_activations(subject, as_rows(subject, [window]))
        scales.append((getattr(sae, name) ** power)[0, begun:, 0].float().cpu().numpy())
    return scales


def as_rows(subject: Subject, windows: Sequence[np.ndarray]) -> np.ndarray:
    """Windows as rows of token ids behind what begins a row, (windows, context) int64, filled up with 0."""
    return padded(windows, row_start(subject)).clip(min=0)


def at_tokens(subject: Subject, values: Sequence[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """Values of each window's tokens where the tokens stand in `as_rows`, of that shape; 0 elsewhere."""
    rows, begun = np.zeros(shape, values[0].dtype), len(row_start(subject))
    for row, own in zip(rows, values, strict=True):
        row[begun : begun + len(own)] = own
    return rows


def _is_neurons(subject: Subject) -> bool:
    return subject.sae is None and subject.encoder is not None


def _rows(subject: Subject, chosen: slice | np.ndarray) -> np.ndarray:
    """Rows of the dictionary at `hook_out`, in its own coordinates."""
    if subject.sae is None:
        return subject.decoder[chosen]
    rows = subject.sae.W_dec.detach()[chosen].float().cpu().numpy()
    if getattr(subject.sae.cfg, "rescale_acts_by_decoder_norm", False):  # decoded as if its rows had norm 1
        norms = np.linalg.norm(rows, axis=1, keepdims=True)
        rows = rows / np.where(norms > 0, norms, 1)
    return rows
