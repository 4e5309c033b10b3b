"""Token sets made from the model and its index: clusters, neighbourhoods, what features fire on or promote, frequency.

Sets made from a feature carry its directions (see `token_sets.derivation`), so that they never support a claim on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
import torch

from .activations.indexing import open_index
from .activations.part import explore
from .errors import UsageError, nearest
from .subject.reading import feature_activations, require_encoder, row_start
from .token_sets.derivation import Derivation
from .token_sets.library import MIN_TOKENS, TokenSet
from .token_sets.split import OPEN, token_split
from .vocabulary import read_back
from .workbench import Workbench

PROMOTED_Z = 4.0  # standardised whitened logit weight
MAX_PROMOTED = 500
SEED = 0
_NEIGHBOURS = 5  # of a sealed token, among open ones; most of them decide
_BATCH = 512
_SHOWN = 5


def cluster_sets(workbench: Workbench, count: int) -> list[TokenSet]:
    """k-means clusters of the universe's tokens by direction of their whitened columns, without those too small.

    Raises UsageError for fewer than 2 clusters or more than there are tokens.
    """
    from sklearn.cluster import KMeans

    columns = _unit_columns(workbench).T.numpy()
    if not 2 <= count <= len(columns):
        raise UsageError(f"{count} clusters of {len(columns)} tokens: choose between 2 and that number.")
    found = KMeans(count, n_init="auto", max_iter=50, random_state=SEED).fit(columns)
    sets: list[TokenSet] = []
    for cluster, centre in enumerate(found.cluster_centers_):
        members = np.flatnonzero(found.labels_ == cluster)
        if len(members) >= MIN_TOKENS:
            central = members[np.argsort(-columns[members] @ centre, kind="stable")]
            sets.append(_set(workbench, str(len(sets)), "Tokens of one cluster", central))
    return sets


def neighbour_sets(workbench: Workbench, texts: Sequence[str], size: int) -> list[TokenSet]:
    """For each token, given as its text, the `size` tokens whose whitened columns point most like its own.

    Raises UsageError for a text that is no token of the universe, and for a size beyond it.
    """
    subject, columns = workbench.subject, _unit_columns(workbench)
    if size > len(subject.universe):
        raise UsageError(
            f"{size} tokens near one: {subject.name} has {len(subject.universe)}. Choose a smaller --size."
        )
    sets: list[TokenSet] = []
    for text in texts:
        token = subject.vocabulary.id_of_text.get(read_back(text))
        if token is None or token not in subject.universe:
            offer = nearest(text, subject.vocabulary.id_of_text)
            raise UsageError(f"{text!r} is no single token of {subject.name}: mind the leading space and case.{offer}")
        cosines = columns[:, int(np.searchsorted(subject.universe, token))] @ columns
        closest = torch.topk(cosines, size).indices.numpy()
        shown = subject.vocabulary.shown(token)
        sets.append(_set(workbench, shown, f"Tokens near {shown}", closest))
    return sets


def fired_sets(workbench: Workbench, features: np.ndarray) -> list[TokenSet]:
    """For each feature the tokens it fires on when they stand alone in a row; features that fire on none give no set.

    Raises UsageError for bare directions, which nothing encodes.
    """
    subject = workbench.subject
    activations = _alone(workbench, features)
    sets: list[TokenSet] = []
    for feature, active in zip(features.tolist(), activations.T, strict=True):
        order = np.argsort(-active, kind="stable")
        if len(firing := order[: int((active > 0).sum())]):
            what = f"Tokens that feature {feature} of {subject.name} fires on"
            sets.append(_set(workbench, str(feature), what, firing, feature))
    return sets


def promoted_sets(workbench: Workbench, features: np.ndarray) -> list[TokenSet]:
    """For each feature the open tokens it promotes most, and the sealed tokens that are like them.

    Promoted are open tokens with a standardised whitened logit weight of PROMOTED_Z or more (at least MIN_TOKENS, at
    most MAX_PROMOTED). The feature's weights on sealed tokens stay unread: such a token belongs to the set when most of
    its nearest open tokens, by cosine of whitened columns, do.
    """
    subject, view = workbench.subject, workbench.views["open"]
    sealed, near = _sealed_neighbours(workbench)
    sets: list[TokenSet] = []
    for part in workbench.feature_blocks(features):
        weights = workbench.mass_weights(subject.decoder[part]).cpu().numpy()
        for feature, row in zip(part.tolist(), weights, strict=True):
            order = np.argsort(-row, kind="stable")
            chosen = order[: int(np.clip((row >= PROMOTED_Z).sum(), MIN_TOKENS, MAX_PROMOTED))]
            member = np.zeros(len(row), dtype=bool)
            member[chosen] = True
            alike = sealed[member[near].sum(axis=1) * 2 > near.shape[1]]
            positions = np.concatenate([view.tokens[chosen], alike])
            what = f"Tokens that feature {feature} of {subject.name} promotes"
            sets.append(_set(workbench, str(feature), what, positions, feature))
    return sets


def frequency_sets(workbench: Workbench) -> list[TokenSet]:
    """Tokens by how often they occur in the open documents of the index: 0, 1, 2 to 3, 4 to 7 times and so on.

    Bands of fewer than MIN_TOKENS tokens are left out.
    """
    subject = workbench.subject
    part = explore(open_index(subject, workbench.progress), subject.vocabulary.special)
    counts = np.zeros(len(subject.vocabulary), np.int64)
    counts[: len(part.token_counts)] = part.token_counts
    counts = counts[subject.universe]
    sets: list[TokenSet] = []
    for least in (0, *(2**power for power in range(int(counts.max()).bit_length()))):
        most = max(2 * least - 1, 0)
        band = np.flatnonzero((counts >= least) & (counts <= most))
        if len(band) >= MIN_TOKENS:
            often = f"{least}" if least == most else f"{least}_{most}"
            what = f"Tokens that occur {often.replace('_', ' to ')} times among {counts.sum():,} of the index"
            sets.append(_set(workbench, often, what, band))
    return sets


def family_name(kind: str, workbench: Workbench) -> str:
    """A family's name for sets of one kind made from a subject."""
    return re.sub("[^a-z0-9]+", "_", f"{kind} {workbench.subject.name}".lower()).strip("_")


def _set(workbench: Workbench, name: str, what: str, positions: np.ndarray, feature: int | None = None) -> TokenSet:
    """A set from positions in the universe, the most typical first."""
    subject = workbench.subject
    ids = subject.universe[positions]
    shown = ", ".join(subject.vocabulary.shown(int(token)) for token in ids[:_SHOWN])
    derived: tuple[Derivation, ...] = ()
    if feature is not None:
        rows = [subject.decoder[feature]]
        if subject.encoder is not None and subject.encoder.shape[1] == subject.d_model:
            rows.append(subject.encoder[feature])
        derived = (Derivation(subject.name, feature, np.stack(rows)),)
    source = f"derived from {subject.name}"
    return TokenSet(name, "derived", f"{what}, such as {shown}", np.sort(ids), source, "that of the model", (), derived)


def _unit_columns(workbench: Workbench) -> torch.Tensor:
    """Whitened columns (D, universe) of unit length: what all tokens share would else make one neighbourhood of all."""
    return torch.nn.functional.normalize(workbench.whitened.cpu(), dim=0)


def _sealed_neighbours(workbench: Workbench) -> tuple[np.ndarray, np.ndarray]:
    """Positions (n,) of tokens that are not open, and the nearest open ones of each as positions in the view (n, k)."""
    columns, view = _unit_columns(workbench), workbench.views["open"]
    parts = token_split(workbench.subject.vocabulary)[workbench.subject.universe]
    sealed = np.flatnonzero(parts != OPEN)
    own = columns[:, view.tokens]
    rows = columns[:, sealed].T.split(_BATCH)
    return sealed, torch.cat([torch.topk(part @ own, _NEIGHBOURS, dim=1).indices for part in rows]).numpy()


def _alone(workbench: Workbench, features: np.ndarray) -> np.ndarray:
    """Activations (universe, F) of features on each token of the universe, alone in a row."""
    subject = workbench.subject
    require_encoder(subject)
    rows = np.concatenate([np.tile(row_start(subject), (len(subject.universe), 1)), subject.universe[:, None]], axis=1)
    chosen = torch.from_numpy(features)

    def batches() -> Iterator[np.ndarray]:
        for start in range(0, len(rows), _BATCH):
            found = feature_activations(subject, rows[start : start + _BATCH])[:, -1].cpu()
            yield found[:, chosen].float().numpy()
            workbench.progress("tokens read", min(start + _BATCH, len(rows)), len(rows))

    return np.concatenate(list(batches()))
