"""Every choice that makes the pocket subject what it is: data, sizes, seeds and budgets."""

from __future__ import annotations

from dataclasses import dataclass, field

# Files of the shared corpus whose licence lets the trained weights be shipped freely
# (public domain, CC0, CC BY, MIT or BSD); the share-alike ones are left out.
CORPUS_FILES = (
    "fiction_novels",
    "fiction_childrens",
    "nonfiction_classics",
    "textbooks_openstax_ccby",
    "encyclopedia_factbook",
    "web_digitalgov",
    "web_18f_blog",
    "tech_rust_book",
    "code_mit_bsd",
    "speeches_us_presidents",
    "drama_shakespeare",
)
END_OF_TEXT = "<|endoftext|>"


@dataclass(frozen=True)
class LanguageModelRecipe:
    """Sizes and training budget of the language model (GPT-2 architecture, tied embeddings)."""

    vocabulary: int = 8192
    layers: int = 4
    width: int = 256
    heads: int = 4
    context: int = 128
    rows: int = 96
    steps: int = 760
    warmup: int = 30
    decay_share: float = 0.45
    checkpoint_every: int = 100
    matrix_rate: float = 0.02
    other_rate: float = 0.003
    seed: int = 0


@dataclass(frozen=True)
class SaeRecipe:
    """Sizes and training budget of a TopK sparse autoencoder on one hook point."""

    features: int = 4096
    k: int = 32
    tokens: int = 2_000_000
    rows: int = 32
    checkpoints: int = 8
    rate: float = 1e-3
    dead_window: int = 150
    sampling_window: int = 250
    seed: int = 0


@dataclass(frozen=True)
class Recipe:
    """The whole subject."""

    model: LanguageModelRecipe = field(default_factory=LanguageModelRecipe)
    sae: SaeRecipe = field(default_factory=SaeRecipe)
    hook: str = "blocks.3.hook_resid_post"
    held_out_share: float = 0.02
    sampled_tokens: int = 1_050_000
    temperature: float = 1.0
    random_model_seed: int = 1


RECIPE = Recipe()
