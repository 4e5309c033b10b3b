"""The tables of all records: runs, their labels and scores, the ledger of every test made, and what runs share.

Whoever changes them adds a script to `migrations.versions` and raises `schema.VERSION`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal, get_args

from sqlalchemy import JSON, DateTime, Dialect, Enum, ForeignKey, String, Text, TypeDecorator, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column

Status = Literal["labelled", "no_claim", "failed"]
Claim = Literal["specific", "present", "none"]
SpendingKind = Literal["paid", "cached", "estimated"]


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """Moments that keep their time zone on SQLite, which stores none: written and read as UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value and (value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC))


def _choice(alias: Any) -> Enum:
    return Enum(*get_args(alias), native_enum=False, create_constraint=True, length=16)


class Base(MappedAsDataclass, DeclarativeBase, kw_only=True):
    """A record: a dataclass and a table row in one."""

    type_annotation_map = {
        dict[str, Any]: JSON(none_as_null=True),
        list[dict[str, Any]]: JSON,
        list[str]: JSON,
        datetime: UtcDateTime,
        str: Text,
    }


class Run(Base):
    """One labeling job over one subject with one configuration."""

    __tablename__ = "runs"

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    subject: Mapped[str]
    subject_hash: Mapped[str]
    config: Mapped[dict[str, Any]]
    config_hash: Mapped[str]
    created: Mapped[datetime] = mapped_column(default_factory=now)
    finished: Mapped[datetime | None] = mapped_column(default=None)
    summary: Mapped[dict[str, Any] | None] = mapped_column(default=None)


class Label(Base):
    """What a run says about one feature. Never overwritten: another label is another row."""

    __tablename__ = "labels"

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), init=False, index=True)
    # "RUN:FEATURE" for labels of a batch job, which writes each feature once; NULL for labels that may repeat.
    batch_key: Mapped[str | None] = mapped_column(String(64), init=False, default=None, unique=True)
    feature: Mapped[int]
    status: Mapped[Status] = mapped_column(_choice(Status))
    text: Mapped[str]
    kind: Mapped[str]
    claim: Mapped[Claim] = mapped_column(_choice(Claim))
    hypotheses: Mapped[list[dict[str, Any]]] = mapped_column(default_factory=list)
    confidence: Mapped[float | None] = mapped_column(default=None)
    q: Mapped[float | None] = mapped_column(default=None)
    refute: Mapped[str] = mapped_column(default="")
    evidence: Mapped[list[str]] = mapped_column(default_factory=list)
    provenance: Mapped[dict[str, Any]] = mapped_column(default_factory=dict)
    created: Mapped[datetime] = mapped_column(default_factory=now)
    reason: Mapped[str | None] = mapped_column(default=None)  # why it failed


class LedgerEntry(Base):
    """How many tests a feature went through with one library of sets; tests without a row of their own count too."""

    __tablename__ = "ledger"
    __table_args__ = (UniqueConstraint("run_id", "feature", "library_hash"),)

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), init=False)
    feature: Mapped[int]
    library_hash: Mapped[str] = mapped_column(String(64))
    n_tests: Mapped[int]


class Hypothesis(Base):
    """One test worth keeping: a hit, or a hypothesis that somebody wrote."""

    __tablename__ = "hypotheses"
    __table_args__ = (UniqueConstraint("run_id", "feature", "spec_hash", "statistic", "null", "side"),)

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), init=False)
    feature: Mapped[int]
    spec_hash: Mapped[str] = mapped_column(String(64))
    set_name: Mapped[str]
    statistic: Mapped[str] = mapped_column(String(32))
    null: Mapped[str] = mapped_column(String(32))
    side: Mapped[str] = mapped_column(String(32))
    effect: Mapped[float | None] = mapped_column(default=None)
    p_present: Mapped[float | None] = mapped_column(default=None)
    p_specific: Mapped[float | None] = mapped_column(default=None)
    q: Mapped[float | None] = mapped_column(default=None)
    holds: Mapped[bool | None] = mapped_column(default=None)


class DefinedSet(Base):
    """A token set that somebody named in a run: `spec` as they wrote it, canonical. Never overwritten."""

    __tablename__ = "defined_sets"
    __table_args__ = (UniqueConstraint("run_id", "name"),)

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), init=False)
    name: Mapped[str] = mapped_column(String(100))
    spec: Mapped[dict[str, Any]]
    description: Mapped[str] = mapped_column(default="")
    created: Mapped[datetime] = mapped_column(default_factory=now)


class Lease(Base):
    """A feature that a worker has taken to label; nobody else takes it until then."""

    __tablename__ = "leases"

    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), init=False, primary_key=True)
    feature: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    holder: Mapped[str] = mapped_column(String(64))
    expires: Mapped[datetime]


class Spending(Base):
    """One request to an LLM: paid, answered from the response cache, or sent without a complete reply (estimated).

    `cached_tokens` are the prompt tokens that the provider had in its own cache; `cost` is in USD, None where no price
    is known.
    """

    __tablename__ = "spending"

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), init=False, index=True)
    feature: Mapped[int]
    model: Mapped[str]
    request_hash: Mapped[str] = mapped_column(String(64))
    kind: Mapped[SpendingKind] = mapped_column(_choice(SpendingKind))
    prompt_tokens: Mapped[int]
    completion_tokens: Mapped[int]
    cached_tokens: Mapped[int] = mapped_column(default=0)
    cost: Mapped[float | None] = mapped_column(default=None)
    created: Mapped[datetime] = mapped_column(default_factory=now)


class LabelScore(Base):
    """What a label, or the control named in its place, earned from one scorer in one exam.

    `exam` identifies what it was examined on, `judge` the language model that scored (neither: empty). `value` is None
    where `unscored` says why: such rows alone are ever written again.
    """

    __tablename__ = "scores"
    __table_args__ = (UniqueConstraint("label_id", "scorer", "control", "judge", "exam"),)

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), init=False, index=True)
    label_id: Mapped[int] = mapped_column(ForeignKey("labels.id"))
    feature: Mapped[int]
    scorer: Mapped[str] = mapped_column(String(32))
    exam: Mapped[str] = mapped_column(String(64))
    control: Mapped[str] = mapped_column(String(32), default="")
    judge: Mapped[str] = mapped_column(String(200), default="")
    value: Mapped[float | None] = mapped_column(default=None)
    n: Mapped[int] = mapped_column(default=0)
    unscored: Mapped[str | None] = mapped_column(default=None)
    details: Mapped[dict[str, Any]] = mapped_column(default_factory=dict)
    created: Mapped[datetime] = mapped_column(default_factory=now)
