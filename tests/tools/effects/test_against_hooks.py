"""Steering and ablation against hooks written directly on the Hugging Face model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tsea.tools.activations.part import Context
from tsea.tools.effects import measure as measuring
from tsea.tools.effects.ablated_examples import loss_changes
from tsea.tools.effects.ablation import ablate
from tsea.tools.effects.contexts import Contexts, given_texts
from tsea.tools.effects.steering import steer
from tsea.tools.effects.watched import Watched
from tsea.tools.effects.writing import random_rows
from tsea.tools.results import EffectResult
from tsea.tools.subject import Subject, open_subject
from tsea.tools.token_sets.split import OPEN, token_split

MODEL = Path(__file__).parents[3] / "tools" / "subject" / "pocket" / "data" / "model"
TEXTS = ["The king of England said that he would go there in 1905.", "There were about 12 of them"]
RANDOM = 16
# What a site is called in Hugging Face's block, and whether it is what the module reads or what it returns.
SITES = {
    "hook_resid_post": ("", "output"),
    "attn.hook_z": ("attn.c_proj", "input"),
    "mlp.hook_post": ("mlp.c_proj", "input"),
    "mlp.hook_out": ("mlp", "output"),
}


@pytest.fixture(scope="module")
def pocket() -> Subject:
    return open_subject("pocket", device="cpu")


@pytest.fixture(scope="module")
def hugging_face() -> Any:
    from transformers import GPT2LMHeadModel

    return GPT2LMHeadModel.from_pretrained(MODEL).float().eval()


@pytest.fixture(
    scope="module",
    params=["pocket", "neurons", "attention z", "one head", "transcoder", "layer norm", "norm", "no BOS"],
)
def subject(request: pytest.FixtureRequest, pocket: Subject, make_sae: Callable[..., Any]) -> Subject:
    if request.param == "pocket":
        return pocket
    if request.param == "neurons":
        return open_subject("pocket/neurons/2", device="cpu")
    sae = {
        "attention z": lambda: make_sae(256, "blocks.2.attn.hook_z"),
        "one head": lambda: make_sae(64, "blocks.2.attn.hook_z", hook_head_index=1),
        "transcoder": lambda: make_sae(256, "blocks.2.ln2.hook_normalized", hook_name_out="blocks.2.mlp.hook_out"),
        "layer norm": lambda: make_sae(256, "blocks.1.hook_resid_post", normalize="layer_norm"),
        "norm": lambda: make_sae(256, "blocks.1.hook_resid_post", normalize="constant_norm_rescale"),
        "no BOS": lambda: make_sae(
            256, "blocks.1.hook_resid_post", d_sae=60, normalize="layer_norm", prepend_bos=False
        ),
    }[request.param]()
    return Subject.from_objects(pocket.model, sae)


@pytest.fixture(scope="module")
def contexts(pocket: Subject) -> Contexts:
    return given_texts(pocket, TEXTS)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[torch.Tensor]:
    """The logits that effects are measured on, in order: without a change, the feature's, those of directions."""
    found: list[torch.Tensor] = []
    original = measuring.logits

    def logits(*arguments: Any) -> torch.Tensor:
        found.append(original(*arguments))
        return found[-1]

    monkeypatch.setattr(measuring, "logits", logits)
    return found


def watched(subject: Subject, tokens: np.ndarray | None = None) -> Watched:
    return Watched(subject.universe if tokens is None else tokens, ["first"], [np.arange(50)], True)


def start(subject: Subject) -> list[int]:
    """What rows begin with: BOS, unless the SAE was trained without."""
    return [] if subject.sae is not None and subject.sae.cfg.metadata.prepend_bos is False else [0]


@contextmanager
def added(model: Any, subject: Subject, delta: torch.Tensor) -> Iterator[None]:
    """Add delta (tokens, width) to the tokens of text at the place that a hook point names."""
    _, layer, site = subject.hook_out.split(".", 2)
    path, side = SITES[site]
    module = model.transformer.h[int(layer)].get_submodule(path)
    change = torch.cat([torch.zeros(len(start(subject)), delta.shape[1]), delta])

    def before(_module: Any, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        return (arguments[0] + change, *arguments[1:])

    def after(_module: Any, _arguments: Any, output: Any) -> Any:
        return (output[0] + change, *output[1:]) if isinstance(output, tuple) else output + change

    handle = module.register_forward_pre_hook(before) if side == "input" else module.register_forward_hook(after)
    yield
    handle.remove()


def run(model: Any, subject: Subject, window: np.ndarray) -> torch.Tensor:
    with torch.no_grad():
        return model(torch.tensor([[*start(subject), *window.tolist()]])).logits[0]


def same_logits(found: torch.Tensor, model: Any, subject: Subject, contexts: Contexts, deltas: list[Any]) -> None:
    for row, window, delta in zip(found, contexts.windows, deltas, strict=True):
        with added(model, subject, whole(subject, delta)):
            expected = run(model, subject, window)
        torch.testing.assert_close(row[: len(expected)], expected, rtol=1e-5, atol=5e-5)


def whole(subject: Subject, delta: torch.Tensor) -> torch.Tensor:
    """A change (tokens, width) over all heads, where the dictionary writes to one."""
    if subject.sae is None or subject.sae.cfg.metadata.hook_head_index is None:
        return delta
    return torch.nn.functional.pad(delta, (64, 128))


def part(subject: Subject, window: np.ndarray, feature: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A feature's activations (tokens,) and what it writes (tokens, width): the decoder with it less without it."""
    ids = torch.tensor([[*start(subject), *window.tolist()]])
    behind = len(start(subject))
    with torch.no_grad():
        _, cache = subject.model.run_with_cache(ids)
        found = cache[subject.hook_name]
        if subject.sae is None:
            return found[0, behind:, feature], found[0, behind:] * (torch.arange(found.shape[-1]) == feature)
        if found.ndim == 4:
            found = found.flatten(2) if subject.sae.cfg.metadata.hook_head_index is None else found[:, :, 1]
        active = subject.sae.encode(found).double()
        sae = subject.sae.double()
        decoded = []
        for mask in (1, torch.arange(active.shape[-1]) != feature):
            sae.encode(found.double())  # what normalisation keeps for the decoder is gone after decoding
            decoded.append(sae.decode(active * mask))
        sae.float()
    return active[0, behind:, feature].float(), (decoded[0] - decoded[1])[0, behind:].float()


def busiest(subject: Subject, contexts: Contexts) -> int:
    """A feature that fires on some tokens of both texts, not on all."""
    from tsea.tools.subject.reading import feature_activations

    rows = np.stack([[*start(subject), *window[:5]] for window in contexts.windows])
    active = feature_activations(subject, rows)[:, len(start(subject)) :] > 0
    return int((active.any(dim=1).all(dim=0) * active.float().mean(dim=(0, 1)) % 1).argmax())


def test_ablation_is_a_hook_that_subtracts_what_the_feature_writes(
    subject: Subject, hugging_face: Any, contexts: Contexts, seen: list[torch.Tensor]
) -> None:
    feature = busiest(subject, contexts)
    result = ablate(subject, feature, contexts, watched(subject), random=RANDOM)
    assert len(seen) == 2 + RANDOM
    parts = [part(subject, window, feature) for window in contexts.windows]
    same_logits(seen[0], hugging_face, subject, contexts, [0 * written for _, written in parts])
    same_logits(seen[1], hugging_face, subject, contexts, [-written for _, written in parts])
    assert result.acting == sum(int((active > 0).sum()) for active, _ in parts) > 0
    row = torch.from_numpy(random_rows(subject, feature, RANDOM)[0])
    along = [-written.norm(dim=1, keepdim=True) * (a.sign()[:, None]) * row / row.norm() for a, written in parts]
    same_logits(seen[2], hugging_face, subject, contexts, along)


def test_loss_changes_of_examples_are_those_of_ablation_and_of_a_hook(
    subject: Subject, hugging_face: Any, contexts: Contexts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every position of both texts, the last ones included, which an open token of the next row would follow."""
    feature = busiest(subject, contexts)
    open_ids = subject.universe[token_split(subject.vocabulary)[subject.universe] == OPEN]
    places = [(window, at) for window in contexts.windows for at in range(len(window))]
    examples = [Context("", 0, window, np.zeros(len(window), np.float32), at) for window, at in places]
    following = [int(window[at + 1]) if at + 1 < len(window) else int(open_ids[7]) for window, at in places]
    expected: list[float | None] = []
    for window in contexts.windows:
        written = part(subject, window, feature)[1]
        with added(hugging_face, subject, whole(subject, -written)):
            without = run(hugging_face, subject, window).double().log_softmax(-1)
        loss = (run(hugging_face, subject, window).double().log_softmax(-1) - without)[len(start(subject)) :]
        tokens = following[len(expected) :][: len(window)]
        expected += [float(loss[at, token]) if token in open_ids else None for at, token in enumerate(tokens)]
    found = loss_changes(subject, feature, examples, following)
    assert [change is None for change in found] == [change is None for change in expected]
    assert None in found and max(abs(change or 0) for change in found) > 1e-3
    np.testing.assert_allclose(*(np.array(c, float) for c in (found, expected)), rtol=2e-3, atol=1e-4)
    ablated = ablate(subject, feature, contexts, watched(subject, open_ids), random=RANDOM)
    ends = np.cumsum([len(window) for window in contexts.windows]).tolist()
    for begin, end, one in zip([0, *ends], ends, ablated.contexts, strict=False):
        inside = [change for change in found[begin : end - 1] if change is not None]
        assert np.mean(inside) == pytest.approx(one.loss_change, rel=1e-3, abs=1e-5)

    monkeypatch.setattr(measuring, "_BATCH_BYTES", 1)
    alone = loss_changes(subject, feature, examples[:5], following[:5])
    np.testing.assert_allclose(*(np.array(c, float) for c in (alone, found[:5])), rtol=1e-3, atol=1e-5)
    assert loss_changes(subject, feature, [], []) == []


def test_steering_is_a_hook_that_adds_the_row_at_every_token(
    subject: Subject, hugging_face: Any, contexts: Contexts, seen: list[torch.Tensor]
) -> None:
    feature, amount = busiest(subject, contexts), 1.5
    result = steer(subject, feature, contexts, watched(subject), 3.0, strength=amount / 3, random=RANDOM)
    assert result.acting == result.tokens == sum(map(len, contexts.windows))
    rows = random_rows(subject, feature, RANDOM)
    for found, row in ((seen[1], None), (seen[2], rows[0]), (seen[-1], rows[-1])):
        deltas = []
        for window in contexts.windows:
            active, written = part(subject, window, feature)
            at = int(active.abs().argmax())
            unit = written[at] / active[at]
            if row is not None:
                along = torch.from_numpy(row)
                unit = along * unit.norm() / along.norm()
            deltas.append(amount * unit * scales(subject, window, at)[:, None])
        same_logits(found, hugging_face, subject, contexts, deltas)


def scales(subject: Subject, window: np.ndarray, reference: int) -> torch.Tensor:
    """How large a token's activations are beside those of a reference token, for SAEs that normalise them."""
    kind = "none" if subject.sae is None else subject.sae.cfg.normalize_activations
    if kind == "none":
        return torch.ones(len(window))
    with torch.no_grad():
        _, cache = subject.model.run_with_cache(torch.tensor([[*start(subject), *window.tolist()]]))
    found = cache[subject.hook_name][0, len(start(subject)) :]
    size = found.std(dim=-1) if kind == "layer_norm" else found.norm(dim=-1)
    return size / size[reference]


def test_measures_are_those_of_the_logits(
    pocket: Subject, contexts: Contexts, seen: list[torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    result = steer(pocket, 3, contexts, watched(pocket), 5.0, random=RANDOM)
    before, after = (found.double().log_softmax(-1) for found in (seen[0], seen[1]))
    own = [slice(1, 1 + len(window)) for window in contexts.windows]
    kl = [(before[i, at].exp() * (before - after)[i, at]).sum(-1).numpy() for i, at in enumerate(own)]
    for context, expected in zip(result.contexts, kl, strict=True):
        np.testing.assert_allclose(context.kl_by_position, expected, rtol=1e-3, atol=2e-6)
    assert result.kl is not None and result.loss_change is not None
    assert result.kl.change == pytest.approx(np.concatenate(kl).mean(), rel=1e-3)
    loss = [
        float((before - after)[i, at, token])
        for i, window in enumerate(contexts.windows)
        for at, token in enumerate(window[1:], start=1)
    ]
    assert result.loss_change.change == pytest.approx(np.mean(loss), rel=1e-3, abs=1e-6)
    token = result.promoted[0]
    shift = torch.cat([(after - before)[i, at, token.id] for i, at in enumerate(own)]).mean()
    assert token.change == pytest.approx(float(shift), rel=1e-3)
    members = pocket.universe[:50]
    masses = [p[:, :, members].logsumexp(-1) for p in (before, after)]
    mass = torch.cat([(masses[1] - masses[0])[i, at] for i, at in enumerate(own)]).mean()
    assert result.sets[0].change == pytest.approx(float(mass), rel=1e-3, abs=1e-6)

    monkeypatch.setattr(measuring, "_BATCH_BYTES", 1)
    alone = steer(pocket, 3, contexts, watched(pocket), 5.0, random=RANDOM)
    assert_close(alone, result)


def assert_close(found: EffectResult, expected: EffectResult) -> None:
    assert found.kl is not None and expected.kl is not None
    assert found.kl.model_dump() == pytest.approx(expected.kl.model_dump(), rel=1e-3)
    assert found.sets[0].change == pytest.approx(expected.sets[0].change, rel=1e-3, abs=1e-6)
    assert [token.token for token in found.promoted] == [token.token for token in expected.promoted]
    assert [context.text for context in found.contexts] == [context.text for context in expected.contexts]


def test_bfloat16_logits_are_compared_in_float32(contexts: Contexts, seen: list[torch.Tensor]) -> None:
    half = open_subject("pocket", device="cpu", dtype="bfloat16")
    result = steer(half, 3, contexts, watched(half), 50.0, random=RANDOM)
    assert seen[0].dtype == torch.bfloat16
    before, after = (found[0, 1 : 1 + len(contexts.windows[0])].double().log_softmax(-1) for found in seen[:2])
    expected = (before.exp() * (before - after)).sum(-1).numpy()
    np.testing.assert_allclose(result.contexts[0].kl_by_position, expected, rtol=1e-3, atol=1e-5)
