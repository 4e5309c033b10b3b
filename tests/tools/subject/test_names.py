from __future__ import annotations

from pathlib import Path

import pytest

from tsea.tools.errors import UsageError
from tsea.tools.subject import known_subjects
from tsea.tools.subject.names import BundledName, FolderName, NeuronsName, ReleaseName, parse
from tsea.tools.subject.registry import neuronpedia_names, stated_figures


@pytest.mark.parametrize(
    ("name", "parsed"),
    [
        ("pocket", BundledName("pocket")),
        ("pocket-random", BundledName("pocket-random")),
        ("local:a/b", FolderName(Path("a/b"))),
        ("openai-community/gpt2/neurons/3", NeuronsName("openai-community/gpt2", 3)),
        ("local:a/b/neurons/0", NeuronsName("local:a/b", 0)),
        ("gemma-scope-2b-pt-res/layer_20/width_16k", ReleaseName("gemma-scope-2b-pt-res", "layer_20/width_16k")),
    ],
)
def test_each_kind_of_name_is_recognised(name: str, parsed: object) -> None:
    assert parse(name) == parsed


@pytest.mark.parametrize("name", ["poket", "", "gpt2-small-res-jb/", "/x"])
def test_a_name_of_no_known_form_is_refused_with_the_forms_there_are(name: str) -> None:
    with pytest.raises(UsageError, match="RELEASE/SAE_ID"):
        parse(name)


def test_a_misspelt_bundled_name_is_answered_with_the_right_one() -> None:
    with pytest.raises(UsageError, match="Did you mean pocket"):
        parse("poket")


def test_an_unknown_release_and_an_unknown_sae_are_answered_with_near_names() -> None:
    with pytest.raises(UsageError, match="gpt2-small-res-jb"):
        stated_figures("gpt2-small-resjb", "blocks.8.hook_resid_pre")
    with pytest.raises(UsageError, match=r"blocks\.8\.hook_resid_pre"):
        stated_figures("gpt2-small-res-jb", "blocks.8.hook_resid_pr")


def test_what_the_registry_states_is_read_and_what_it_does_not_state_is_absent() -> None:
    jb = stated_figures("gpt2-small-res-jb", "blocks.8.hook_resid_pre")
    assert (jb.l0, jb.variance_explained) == (60.0, 0.9)
    by_name = {known.name: known for known in known_subjects()}
    silent = [
        stated_figures(release.name, release.sae_ids[0]) for release in by_name.values() if release.name[:5] == "llama"
    ]
    assert silent and all(figures.l0 is None or figures.l0 > 0 for figures in silent)


def test_known_subjects_are_the_bundled_ones_and_sae_lens_own_list() -> None:
    from importlib.resources import files

    import yaml

    listed = yaml.load(files("sae_lens").joinpath("pretrained_saes.yaml").read_text(), Loader=yaml.CSafeLoader)
    known = known_subjects()
    assert [subject.name for subject in known[:2]] == ["pocket", "pocket-random"]
    assert {subject.name for subject in known[2:]} == set(listed)
    assert sum(len(subject.sae_ids) for subject in known) == sum(len(entry["saes"]) for entry in listed.values())


def test_neuronpedias_names_are_the_registrys_and_none_where_it_has_none() -> None:
    assert neuronpedia_names("gpt2-small-res-jb/blocks.8.hook_resid_pre") == ("gpt2-small", "8-res-jb")
    unknown = ("pocket", "local:a/b", "gpt2-small-res-jb", "gpt2-small-res-jb/blocks.8.hook_resid_pre+probes.npy")
    assert [neuronpedia_names(name) for name in unknown] == [None] * 4
