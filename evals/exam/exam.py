"""The exam of one subject: the items that every scorer draws on, made when first asked for, and their identity."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence

import numpy as np

from ...tools.activations.indexing import can_open_index, open_index
from ...tools.inputs.matching import matches
from ...tools.inputs.spec import InputSpec
from ...tools.token_sets.resolve import resolve
from ...tools.token_sets.spec import TokenSetSpec
from ...tools.workbench import Workbench
from ..density import feature_density
from . import contexts, test_tokens
from .contexts import TestContexts
from .items import ContextItem
from .test_tokens import TestTokens

VERSION = 1  # of how items are chosen: scores of different versions are never mixed


class Exam:
    """What labels of a subject's features are examined on, and what the label languages mean there."""

    def __init__(self, workbench: Workbench) -> None:
        self.workbench = workbench

    @functools.cached_property
    def tokens(self) -> TestTokens:
        """Sealed test tokens."""
        return TestTokens(self.workbench)

    @functools.cached_property
    def contexts(self) -> TestContexts:
        """Held-out contexts; raises UsageError as `TestContexts` does."""
        return TestContexts(self.workbench)

    @functools.cached_property
    def identity(self) -> str:
        """Hash of what decides which items a feature is examined on: subject, index, seeds and version."""
        index = open_index(self.workbench.subject).folder.name if self._has_index else "none"
        parts = (VERSION, self.workbench.subject.hash, index, test_tokens.SEED, contexts.SEED)
        return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()

    @functools.cached_property
    def density(self) -> np.ndarray | None:
        """Share of tokens on which each feature fires, (features,), as by `feature_density`; None where unknown."""
        if self._has_index:
            open_index(self.workbench.subject)
        return feature_density(self.workbench.subject)

    def members(self, specs: Sequence[TokenSetSpec]) -> np.ndarray:
        """Which token ids (vocabulary,) are in any of some sets, bool; raises UsageError as `resolve` does."""
        subject, found = self.workbench.subject, np.zeros(len(self.workbench.subject.vocabulary), bool)
        for spec in specs:
            found[resolve(spec, subject.vocabulary, self.workbench.library).ids] = True
        return found

    def fitting(self, specs: Sequence[InputSpec], items: Sequence[ContextItem]) -> np.ndarray:
        """Which hypotheses fit the position of each context: (hypotheses, contexts) bool; raises UsageError."""
        rows = [item.context.tokens for item in items]
        lengths = np.array([len(row) for row in rows])
        at = np.cumsum(lengths) - lengths + np.array([item.context.position for item in items])
        vocabulary, library = self.workbench.subject.vocabulary, self.workbench.library
        return np.array([matches(spec, rows, vocabulary, library)[at] for spec in specs]).reshape(-1, len(items))

    @functools.cached_property
    def _has_index(self) -> bool:
        return can_open_index(self.workbench.subject)
