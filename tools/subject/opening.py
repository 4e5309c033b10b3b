"""Opening a subject by its name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import TseaError, UsageError
from . import dictionaries
from .compute import Compute
from .dictionaries import Dictionary
from .fold import residual_hook
from .models import FolderModel, HubModel, ModelSource, RandomModel
from .names import BundledName, FolderName, NeuronsName, parse
from .subject import Subject, assemble

BUNDLED_DATA = Path(__file__).parent / "pocket" / "data"


def open_subject(
    name: str = "pocket", *, directions: Path | None = None, device: str | None = None, dtype: str | None = None
) -> Subject:
    """Open a subject: `pocket`, `pocket-random`, `local:FOLDER`, `MODEL/neurons/LAYER` or `RELEASE/SAE_ID`.

    `directions` names a .npy file of residual stream directions (n, d_model) that take the dictionary's place.
    `device` and `dtype` are those of the running model (default: the best device here, float32). Raises UsageError
    for a request that is wrong and TseaError for weights that cannot be had.
    """
    compute = Compute(device, dtype)
    parsed = parse(name)
    if isinstance(parsed, NeuronsName):
        model = _model(parsed.model, compute, {})
        dictionary = dictionaries.of_neurons(model.weights(), parsed.layer)
    elif isinstance(parsed, FolderName):
        dictionary = dictionaries.from_folder(_existing(parsed.folder) / "sae", compute)
        model = _model(name, compute, dictionary.model_options)
    elif isinstance(parsed, BundledName):
        random = parsed.name == "pocket-random"
        dictionary = dictionaries.from_folder(_bundled() / ("random_sae" if random else "sae"), compute)
        model = _model(name, compute, dictionary.model_options)
    else:
        dictionary = dictionaries.from_release(parsed.release, parsed.sae_id, compute)
        model = HubModel(_trained_on(dictionary, name), compute, dictionary.model_options)
    if directions is not None:
        dictionary = dictionaries.from_rows(directions, residual_hook(dictionary.hook_out), model.weights().d_model)
        name = f"{name}+{directions.name}"
    return assemble(name, dictionary, model, compute)


def _model(reference: str, compute: Compute, options: dict[str, Any]) -> ModelSource:
    """The model that a bundled subject, a folder or the hub calls by this name."""
    if reference == "pocket":
        return FolderModel(_bundled() / "model", compute, options)
    if reference == "pocket-random":
        from .pocket.recipe import RECIPE

        return RandomModel(_bundled() / "model", compute, options, RECIPE.random_model_seed)
    if reference.startswith("local:"):
        folder = Path(reference.removeprefix("local:")).expanduser()
        return FolderModel(_existing(folder) / "model", compute, options)
    return HubModel(reference, compute, options)


def _existing(folder: Path) -> Path:
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}: local:FOLDER needs FOLDER/model and FOLDER/sae.")
    return folder


def _bundled() -> Path:
    if not BUNDLED_DATA.is_dir():
        raise TseaError(f"The bundled subject is not installed ({BUNDLED_DATA} is missing): reinstall tsea.")
    return BUNDLED_DATA


def _trained_on(dictionary: Dictionary, name: str) -> str:
    if dictionary.model_name is None:
        raise TseaError(f"{name} does not say which model it was trained on; open it with Subject.from_objects.")
    return dictionary.model_name
