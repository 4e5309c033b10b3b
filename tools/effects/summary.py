"""Measured changes as a result, each beside those that random directions make."""

from __future__ import annotations

import numpy as np

from ..results import ChangedMass, ChangedToken, Compared, ContextEffect, EffectResult, finite
from ..subject.subject import Subject
from .contexts import Contexts
from .measure import Measured
from .watched import Watched

SHOWN_TOKENS = 10
SHOWN_SETS = 10


def summarise(
    subject: Subject,
    feature: int,
    contexts: Contexts,
    watched: Watched,
    found: Measured,
    *,
    strength: float | None = None,
    scale: float | None = None,
) -> EffectResult:
    """The result of steering by `strength` times `scale`, or without them of ablation."""
    acting, vocabulary = found.acting, subject.vocabulary
    notes = list(contexts.notes)
    if not acting.any():
        notes.append("The feature fires on none of these tokens, so no token or set has a change where it does.")
    by_change = np.argsort(-found.tokens[0], kind="stable")
    by_size = np.argsort(-np.abs(found.sets[0]), kind="stable")[:SHOWN_SETS]
    shown = np.arange(len(watched.names)) if watched.chosen else by_size
    token_extremes, set_extremes = _extremes(found.tokens), _extremes(found.sets)

    def token(at: int) -> ChangedToken:
        own, token_id = found.tokens[:, at], int(watched.tokens[at])
        p_any = _share(own[0], token_extremes)
        return ChangedToken(token=vocabulary.shown(token_id), id=token_id, p_any=p_any, **_compared(own))

    def token_set(at: int) -> ChangedMass:
        own = found.sets[:, at]
        p_any = _share(own[0], set_extremes)
        return ChangedMass(set=watched.names[at], size=len(watched.members[at]), p_any=p_any, **_compared(own))

    some = acting.any()
    return EffectResult(
        feature=feature,
        operation="ablate" if strength is None else "steer",
        strength=strength,
        scale=scale,
        tokens=len(acting),
        acting=int(acting.sum()),
        random=len(found.kl) - 1,
        kl=compared(found.kl),
        loss_change=compared(found.loss),
        kl_acting=compared(found.kl[:, acting]),
        loss_change_acting=compared(found.loss[:, acting]),
        promoted=[token(int(at)) for at in by_change[:SHOWN_TOKENS] if found.tokens[0, at] > 0] if some else [],
        suppressed=[token(int(at)) for at in by_change[::-1][:SHOWN_TOKENS] if found.tokens[0, at] < 0] if some else [],
        sets=[token_set(int(at)) for at in shown] if some else [],
        contexts=[_context(subject, contexts, found, number) for number in range(len(contexts.windows))],
        notes=notes,
    )


def compared(values: np.ndarray) -> Compared | None:
    """Means over positions (D, P), leaving out NaN, of the feature's change beside those of random directions.

    None where no position counts.
    """
    known = ~np.isnan(values[0])
    return Compared(**_compared(values[:, known].mean(axis=1, dtype=np.float64))) if known.any() else None


def _compared(changes: np.ndarray) -> dict[str, float]:
    """The first of some changes (D,) beside the others: their mean, standard deviation and the share as large."""
    random = changes[1:].astype(np.float64)
    extremes = np.stack([random, random], axis=1)
    return {
        "change": float(changes[0]),
        "random_mean": float(random.mean()),
        "random_sd": float(random.std(ddof=1)),
        "p": _share(changes[0], extremes),
    }


def _share(change: float, extremes: np.ndarray) -> float:
    """(r + 1) / (n + 1), with r of n random directions changing at least as much in the same direction.

    `extremes` (n, 2) are their smallest and largest changes. The share is a p-value with one side (Phipson and Smyth
    2010, doi:10.2202/1544-6115.1585); over many tokens or sets, with their extremes, it holds for any of them (Westfall
    and Young 1993).
    """
    reached = extremes[:, 1] >= change if change >= 0 else extremes[:, 0] <= change
    return float((reached.sum() + 1) / (len(extremes) + 1))


def _extremes(changes: np.ndarray) -> np.ndarray:
    """Smallest and largest change under each random direction, (D - 1, 2), from changes (D, n)."""
    random = changes[1:]
    if not random.shape[1]:
        return np.zeros((len(random), 2))
    return np.stack([random.min(axis=1), random.max(axis=1)], axis=1)


def _context(subject: Subject, contexts: Contexts, found: Measured, number: int) -> ContextEffect:
    own = found.context == number
    kl, loss = found.kl[0, own], found.loss[0, own]
    known = loss[~np.isnan(loss)]
    return ContextEffect(
        source=contexts.sources[number],
        text=subject.model.tokenizer.decode(contexts.windows[number]),
        tokens=int(own.sum()),
        acting=int(found.acting[own].sum()),
        kl=float(kl.mean(dtype=np.float64)) if len(kl) else None,
        loss_change=finite(known.mean(dtype=np.float64)) if len(known) else None,
        kl_by_position=kl.astype(float).round(6).tolist(),
    )
