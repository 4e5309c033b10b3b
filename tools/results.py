"""Results that every front door returns: the fields here are the documented JSON contract."""

from __future__ import annotations

import math
from typing import Any, Literal

from pydantic import BaseModel, Field

from .statistics.names import NullChoice, Side, Statistic

FeatureClass = Literal["local context", "partition", "prediction", "suppression", "unclassified"]


def finite(value: float) -> float | None:
    """The value as JSON knows it: None for NaN and infinities."""
    return float(value) if math.isfinite(value) else None


class TokenWeight(BaseModel):
    """One token with its logit weight; `token` shows spaces as ␣."""

    token: str
    id: int
    weight: float


class FeatureStats(BaseModel):
    """Moments of a feature's logit weights over the universe, its class, and its most extreme open tokens."""

    feature: int
    mean: float
    std: float
    skewness: float | None
    kurtosis: float | None
    feature_class: FeatureClass = Field(serialization_alias="class")
    top: list[TokenWeight]
    bottom: list[TokenWeight]


class EnrichmentRow(BaseModel):
    """One statistic of one set on one side of one feature, over open tokens.

    `value` is the statistic on that side (mass in nats, mean standardised weight, ES+ or |ES-|, for the rank sum the
    AUROC), `leading_edge` its 20 most extreme members up to the peak of the running sum; `nes` and `p_random` exist for
    statistics with a random-set null. Each p has the standard error of its log10 beside it: 0 for an exact p, null
    where the p is an upper bound or its error is not known. `q` is the level at which the run-wide rule would select
    the row, from the present null. `inflation` is the set's variance inflation factor. `explained_by` names, for a hit
    of the mass, the stronger hit of the feature that accounts for it. `circular` sets were made from this feature or a
    near-duplicate, so they have no p.
    """

    feature: int
    set: str
    size: int
    statistic: Statistic
    side: Side
    value: float | None
    es: float | None = None
    es_pos: float | None = None
    es_neg: float | None = None
    nes: float | None = None
    p_random: float | None = None
    p_present: float | None
    p_specific: float | None
    error_random: float | None = None
    error_present: float | None
    error_specific: float | None
    q: float | None
    inflation: float
    explained_by: str | None = None
    leading_edge: list[str] | None = None
    circular: bool = False


class SetTestRow(BaseModel):
    """One statistic of a written token set on one side of one feature under one null, over open tokens.

    `value`, `p` and `error` are as in EnrichmentRow; the statistic `partial` is the correlation of the side's weights
    with the set beyond the set `given`, `partial_reverse` that of the given set beyond this one. `q` covers `tests`
    tests of the feature: those of this call and, in a run, all on its ledger. `holds` says whether the mass is as
    unlikely (p <= .05) on confirm tokens. `inflation` is the set's variance inflation factor. `circular` as in
    EnrichmentRow.
    """

    feature: int
    spec: dict[str, Any]
    size: int
    inflation: float
    given: str | None = None
    statistic: Statistic | Literal["partial", "partial_reverse"]
    side: Side
    value: float | None
    null: NullChoice
    p: float | None
    error: float | None
    q: float | None
    tests: int
    holds: bool | None = None
    circular: bool = False


class RankedToken(TokenWeight):
    """An open token with its logit weight and its rank from the extreme of a side: 1 is the most extreme one."""

    rank: int


class Addition(BaseModel):
    """What one set adds to another in a feature, on one side.

    `tokens` of its open tokens, `share` of them, are not in the other set: `mean` is their mean standardised logit
    weight (above 0: elevated on this side), `mass` what they weigh together, with its p under the present null.
    `partial` is the correlation of the side's weights with the set beyond the other one, as in SetTestRow. The errors
    of log10 p are null where the p is an upper bound.
    """

    tokens: int
    share: float
    mean: float | None = None
    mass: float | None = None
    p_mass: float | None = None
    error_mass: float | None = None
    partial: float | None
    p_partial: float | None = None
    error_partial: float | None = None


class Rival(BaseModel):
    """A library set to hold against a written one: with its mass on the side, and what the two add to each other.

    `strength` is the mass in spreads of the present null (median to 95 % quantile), which sets of any size share.
    """

    set: str
    size: int
    shared: int
    mass: float | None
    strength: float | None
    p_present: float | None
    a_minus_b: Addition
    b_minus_a: Addition


class SetDetails(BaseModel):
    """What stands behind a written set in one feature, on one side of its ranking of open tokens.

    `leading_edge` are members up to the peak of the running sum of logit weights (ES p=1), `not_elevated` those in the
    other half of the ranking, beyond its median, where half of a random set is; `missed` are the most extreme tokens
    outside the set. Lists hold the most extreme first, or the most contrary, with counts of all. `mass_without_top` and
    its p under the present null leave `top_member` out, the member that carries most of the mass, and
    `effective_members` says how many carry it. `rivals` (b, the written set is a) are the strongest library sets that
    share tokens with it or are stronger themselves. `circular` sets were made from the feature and have no p.
    """

    feature: int
    spec: dict[str, Any]
    side: Side
    size: int
    mass: float
    strength: float
    leading_edge: list[RankedToken]
    leading_edge_count: int
    not_elevated: list[RankedToken]
    not_elevated_count: int
    not_elevated_share: float
    missed: list[RankedToken]
    top_member: RankedToken
    mass_without_top: float
    p_without_top: float | None
    error_without_top: float | None
    effective_members: float
    rivals: list[Rival]
    circular: bool = False


class ClassProportion(BaseModel):
    """How many features of a dictionary belong to a class, beside the share of matched random directions that do."""

    feature_class: FeatureClass = Field(serialization_alias="class")
    features: int
    share: float
    random_share: float


class ListedSet(BaseModel):
    """A set of the library: its tokens, those of the open universe, and whether these are neither too few nor too
    many; `aliases` have the same tokens, and results name them all by `same_as`, where that is another name."""

    name: str
    family: str
    size: int
    open: int
    testable: bool
    description: str
    source: str
    licence: str
    same_as: str | None
    aliases: list[str]


class IndexSummary(BaseModel):
    """An activation index: tokens, documents by side of the partition, features that fire and how many at once."""

    folder: str
    tokens: int
    documents: dict[str, int]
    features: int
    firing: int
    l0: float
    notes: list[str]


ExampleKind = Literal["top", "decile", "diverse", "negative"]


class FiringSummary(BaseModel):
    """How often and how much a feature fires on a part of an index; figures without a firing are null.

    `tokens` of text were read, `density` is firings over tokens, `mean` over firings, `histogram` counts firings in
    bins of equal width up to max.
    """

    feature: int
    tokens: int
    firings: int
    density: float
    max: float | None
    mean: float | None
    histogram: list[int]


class ExampleRow(BaseModel):
    """Tokens around one (`tokens[position]`) at which a feature fires, or is silent (negative), with its activations.

    `source` says which tenth by activation it is from (decile 10: the strongest), or why it is a hard negative.
    `count` firings are alike (0: silent). `next_log_prob` (nats) is the model's for the token that really follows, and
    `loss_change` by how much ablating the feature lowers it: null where that was not asked for, and where the token is
    not open.
    """

    feature: int
    kind: ExampleKind
    source: str | None
    tokens: list[str]
    activations: list[float]
    position: int
    count: int
    document: str
    next_token: str | None
    next_log_prob: float | None
    loss_change: float | None

    def text(self, before: int, behind: int) -> tuple[str, str, str]:
        """The token in question between so many tokens before and behind it, spaces as spaces."""
        at = self.position
        parts = (self.tokens[max(0, at - before) : at], [self.tokens[at]], self.tokens[at + 1 :][:behind])
        first, token, last = ("".join(part).replace("\u2423", " ") for part in parts)
        return first, token, last


class ReplacedToken(BaseModel):
    """A token of a context replaced, `offset` tokens before the firing one (0: itself), and the activation after it.

    Log-probabilities (nats) are those that the model gives the old and the new token behind what stands before them.
    """

    offset: int
    old: str
    new: str
    old_log_prob: float
    new_log_prob: float
    activation: float


class MinimalPair(BaseModel):
    """Tokens around one (`tokens[position]`) at which a feature fires by `activation`, and which edit of them counts.

    Of `edits` single-token replacements that are natural there, `changed` changes the activation most, and `control` is
    the nearest to it that changes the activation by no more than a tenth (null: none does). `count` firings are alike.
    """

    feature: int
    tokens: list[str]
    position: int
    count: int
    document: str
    activation: float
    edits: int
    changed: ReplacedToken
    control: ReplacedToken | None

    def text(self, edit: ReplacedToken | None, before: int, behind: int) -> str:
        """The text, as it is or edited, with so many tokens before and behind the firing one, spaces as spaces.

        The firing token stands between «», an earlier one that the edit replaced in brackets.
        """
        tokens, at = list(self.tokens), self.position
        if edit is not None:
            tokens[at - edit.offset] = f"[{edit.new}]" if edit.offset else edit.new
        tokens[at] = f"«{tokens[at]}»"
        return "".join(tokens[max(0, at - before) : at + behind + 1]).replace("\u2423", " ")


class TextActivations(BaseModel):
    """Activations of one feature at the tokens of a text, which the model read in so many windows of its context."""

    feature: int
    tokens: list[str]
    activations: list[float]
    windows: int


class FoundFeature(BaseModel):
    """A feature that fires in a text: its activation, and that over its maximum on the index (null: silent there)."""

    subject: str
    feature: int
    activation: float
    normalised: float | None


class NeighbourRow(BaseModel):
    """A feature near another: cosine of decoder or encoder rows, or the Jaccard index of `shared` firings (co-firing).

    A counterpart is of another dictionary, `subject`, by decoder rows.
    """

    feature: int
    kind: Literal["decoder", "encoder", "co-firing", "counterpart"]
    neighbour: int
    value: float
    shared: int | None = None
    subject: str | None = None


class ReadingRow(BaseModel):
    """A token set tested on what a feature fires on (`token`), right behind (`previous`), or before (`next`).

    On the open side, `share` of the feature's strongest `firings`, weighted by rank, falls on the set, which has the
    share `base` of all tokens; `matched`, before or behind the same tokens wherever they stand (null at the token).
    `p` says how often the share of a random encoder direction is as large, `p_sets` how often for any of the sets, `q`
    the level at which the rule over all features of the call selects it; `holds`, whether p <= .05 on the confirm side.
    """

    feature: int
    set: str
    where: Literal["token", "previous", "next"]
    firings: int
    share: float | None
    base: float
    matched: float | None
    p: float | None
    p_sets: float | None
    q: float | None
    holds: bool | None


class InputTestRow(BaseModel):
    """A written input hypothesis, `spec`, tested on what a feature fires on; figures as in ReadingRow.

    q covers all features of the call and, in a run, their earlier `tests` (this one included). `circular` ones speak of
    a set that was made from the feature and have no p.
    """

    feature: int
    spec: dict[str, Any]
    firings: int
    share: float | None
    base: float
    p: float | None
    q: float | None
    tests: int
    holds: bool | None
    circular: bool


class PositionRow(BaseModel):
    """Share of a feature's variance of activation explained by the place in the row, and the mean at each place."""

    feature: int
    explained: float | None
    means: list[float]


class Compared(BaseModel):
    """A change beside those that random directions of the same norm make.

    `p` is (r + 1) / (n + 1), with r of n of them changing as much or more in the same direction.
    """

    change: float
    random_mean: float
    random_sd: float
    p: float


class ChangedToken(Compared):
    """Mean change of one open token's log-probability, in nats.

    `p_any` counts random directions that change any open token so much: it holds for the token that changed most.
    """

    token: str
    id: int
    p_any: float


class ChangedMass(Compared):
    """Mean change of the log of a set's probability, over its open tokens, in nats.

    `p_any` counts random directions that change any set that was watched so much.
    """

    set: str
    size: int
    p_any: float


class ContextEffect(BaseModel):
    """One context: where it comes from, its text, tokens and those the feature acts on, and what changed in it."""

    source: str
    text: str
    tokens: int
    acting: int
    kl: float | None
    loss_change: float | None
    kl_by_position: list[float]


class EffectResult(BaseModel):
    """What a feature's steering or ablation changes in the model's next-token predictions, in nats.

    Steering adds `strength` times `scale`, an activation, at every token; both are null for ablation. `tokens` are
    positions of text, `acting` those the feature acts on: all when steered, those it fires on when ablated. `kl`,
    KL(before || after), and the change of the loss on actual next tokens that are open are means over positions, with
    `_acting` over acting ones, null where none counts. Tokens and sets are open ones, their changes means over acting
    positions.
    """

    feature: int
    operation: Literal["steer", "ablate"]
    strength: float | None
    scale: float | None
    tokens: int
    acting: int
    random: int
    kl: Compared | None
    loss_change: Compared | None
    kl_acting: Compared | None
    loss_change_acting: Compared | None
    promoted: list[ChangedToken]
    suppressed: list[ChangedToken]
    sets: list[ChangedMass]
    contexts: list[ContextEffect]
    notes: list[str]


class DirectEffect(BaseModel):
    """How logit weights agree with what steering by `scale` changes, over open tokens, on contexts of the index.

    `spearman` is the rank correlation of logit weights and mean changes of log-probability, `shared_top` how many of
    the `top` most promoted tokens are the same: near 1 and all where later layers leave the feature's direction alone.
    """

    spearman: float
    shared_top: int
    top: int
    contexts: int
    scale: float


class SetOverlap(BaseModel):
    """Tokens that two sets share: over all of both (Jaccard index), and over those of the smaller one."""

    set: str
    other: str
    size: int
    other_size: int
    shared: int
    jaccard: float
    contained: float


class ShownSet(ListedSet):
    """A set of the library with its tokens and the sets most like it."""

    ids: list[int]
    similar: list[SetOverlap]


class UnmatchedItem(BaseModel):
    """An item of a written set that stands for no token, and the tokens it splits into."""

    item: str
    reason: str
    pieces: list[str]


class SuggestedSet(BaseModel):
    """A set that holds `shared` of some given tokens, of `size` open ones; p is that of holding so many by chance.

    `folded` sets have the same open tokens, or more of them but no other given one.
    """

    set: str
    description: str
    size: int
    shared: int
    tokens: list[str]
    p: float
    q: float
    folded: list[str]


class UnknownToken(BaseModel):
    """A text that is no token, the tokens it splits into, and spellings close to it that are tokens."""

    token: str
    pieces: list[str]
    close: list[str]


class SuggestedSets(BaseModel):
    """Sets of the library, out of so many `tested`, for some tokens: open ones count, of `open_tokens` in all.

    `sealed` tokens are kept for confirmation and tests, or not ranked.
    """

    tokens: list[str]
    sealed: list[str]
    unknown: list[UnknownToken]
    open_tokens: int
    tested: int
    sets: list[SuggestedSet]


class ResolvedSet(BaseModel):
    """The tokens of a written set, the first of them as text, what stands for none, and the library sets like it."""

    spec: str
    size: int
    open: int
    ids: list[int]
    preview: list[str]
    unmatched: list[UnmatchedItem]
    similar: list[SetOverlap]


class ChangedSet(BaseModel):
    """A set that two libraries hold with different tokens."""

    name: str
    gained: int
    lost: int
    jaccard: float


class LibraryDifference(BaseModel):
    """What sets a library has, lacks and holds differently beside an older one."""

    added: list[str]
    removed: list[str]
    changed: list[ChangedSet]
