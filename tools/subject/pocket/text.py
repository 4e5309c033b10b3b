"""The training text: documents of the shared corpus, the tokenizer learned from them, and rows of tokens."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from ...errors import TseaError
from .recipe import CORPUS_FILES, END_OF_TEXT, RECIPE, LanguageModelRecipe


def documents(corpus: Path) -> Iterator[str]:
    """Yield every document of the corpus files the recipe allows, in file order; raises TseaError for a missing one."""
    for name in CORPUS_FILES:
        if not (corpus / f"{name}.txt.gz").exists():
            raise TseaError(f"No {name}.txt.gz in {corpus}: --corpus names the folder of the training text.")
        with gzip.open(corpus / f"{name}.txt.gz", "rt", encoding="utf-8") as lines:
            document: list[str] = []
            for line in lines:
                if line.rstrip("\n") == END_OF_TEXT:
                    yield "".join(document)
                    document = []
                else:
                    document.append(line)
            if document:
                yield "".join(document)


def is_held_out(document: str, share: float = RECIPE.held_out_share) -> bool:
    """Whether a document belongs to the held-out share, decided by its content hash alone."""
    digest = hashlib.blake2b(document.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64 < share


def train_tokenizer(corpus: Path, folder: Path, recipe: LanguageModelRecipe = RECIPE.model) -> None:
    """Learn a byte-level BPE on the training documents and save it in GPT-2's file format."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)  # type: ignore[assignment]
    tokenizer.decoder = decoders.ByteLevel()  # type: ignore[assignment]
    trainer = trainers.BpeTrainer(
        vocab_size=recipe.vocabulary,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    training = (d for d in documents(corpus) if not is_held_out(d))
    tokenizer.train_from_iterator(training, trainer)
    from transformers import GPT2Tokenizer

    GPT2Tokenizer(
        tokenizer_object=tokenizer,
        bos_token=END_OF_TEXT,
        eos_token=END_OF_TEXT,
        unk_token=END_OF_TEXT,
        model_max_length=recipe.context,
    ).save_pretrained(folder)


def encode_corpus(corpus: Path, tokenizer_folder: Path, out: Path) -> None:
    """Write `train.npy` and `held_out.npy`: uint16 token streams, documents separated by end-of-text."""
    tokenizer = Tokenizer.from_file(str(tokenizer_folder / "tokenizer.json"))
    end = tokenizer.token_to_id(END_OF_TEXT)
    streams: dict[bool, list[np.ndarray]] = {False: [], True: []}
    for document in documents(corpus):
        ids = tokenizer.encode(document, add_special_tokens=False).ids
        streams[is_held_out(document)].append(np.array([*ids, end], dtype=np.uint16))
    for held_out, name in ((False, "train"), (True, "held_out")):
        np.save(out / f"{name}.npy", np.concatenate(streams[held_out]))


def rows(stream: np.ndarray, bos: int, count: int, context: int, rng: np.random.Generator) -> np.ndarray:
    """Draw `count` rows of `context` tokens: end-of-text as BOS, then consecutive tokens of the stream."""
    starts = rng.integers(0, len(stream) - context, size=count)
    body = stream[starts[:, None] + np.arange(context - 1)]
    return np.concatenate([np.full((count, 1), bos), body.astype(np.int64)], axis=1)
