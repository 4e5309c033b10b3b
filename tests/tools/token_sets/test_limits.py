"""Specifications that would take forever end within a second, refused in one short line that says what to do."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from tsea.server.cli import app
from tsea.tools.errors import UsageError
from tsea.tools.libraries import OpenLibrary
from tsea.tools.subject import pocket
from tsea.tools.token_sets.library import TokenSet, TokenSetLibrary
from tsea.tools.token_sets.resolve import resolve
from tsea.tools.token_sets.spec import parse_spec
from tsea.tools.vocabulary import Vocabulary

POCKET = Path(pocket.__file__).parent / "data" / "model"
RUNS = ["a" * 60, "a" * 60 + "!", "ab" * 40, " " * 80, "-" * 64, "1" * 60, "the cat sat on the mat " * 4]
SECONDS = 1.0
LONGEST_LINE = 600  # characters, the names of all families among them


def many_runs() -> Vocabulary:
    """Long runs, as vocabularies have them, among many words."""
    texts = (*RUNS * 200, *(f" word{number}" for number in range(20_000)))
    return Vocabulary(texts, texts, frozenset())


TOKENS = many_runs()
LAST = len(TOKENS) - 1
LIBRARY = TokenSetLibrary([TokenSet("made.a", "made", "", np.arange(9), "rules", "MIT")], TOKENS.hash)
OPENED = OpenLibrary(LIBRARY, TOKENS, TOKENS.ordinary, [])
# The ways in, each of which refuses what it is given.
WAYS: dict[str, Callable[[Any], object]] = {
    "parse_spec": parse_spec,
    "resolve": lambda spec: resolve(spec, TOKENS, LIBRARY),
    "OpenLibrary": OPENED.resolved,
}


def seconds(action: Callable[[], object]) -> float:
    """Time that an action takes by the clock, or the computing time where other processes make it wait."""
    clock, computing = time.perf_counter(), time.process_time()
    action()
    return min(time.perf_counter() - clock, time.process_time() - computing)


def refused(way: str, spec: Any) -> str:
    """The message with which a specification is refused in time."""
    messages: list[str] = []

    def refuse() -> None:
        with pytest.raises(UsageError) as caught:
            WAYS[way](spec)
        messages.append(str(caught.value))

    assert seconds(refuse) < SECONDS
    assert messages[0].isprintable() and len(messages[0]) <= LONGEST_LINE
    return messages[0]


def nested(operator: str, levels: int, innermost: Any = None) -> dict[str, Any]:
    """An operator in itself, so many levels deep."""
    spec = innermost or {"prefix": "a"}
    for _ in range(levels - 1):
        spec = {operator: spec if operator == "not" else [spec]}
    return spec


def nested_json(operator: str, levels: int) -> str:
    """The same as JSON text, which Python's own writer could not nest so deep."""
    opened, closed = ("[", "]") if operator == "any" else ("", "")
    return f'{{"{operator}":{opened}' * levels + '{"prefix":"a"}' + f"{closed}}}" * levels


def nested_list(levels: int) -> list[Any]:
    inner: list[Any] = ["a"]
    for _ in range(levels):
        inner = [inner]
    return inner


WORDS = [f"word{number:06d}" for number in range(100_000)]  # 1 MB
TOO_LARGE: dict[str, tuple[Any, str]] = {
    "a list of words of 1 MB": ({"words": WORDS}, "GMT file"),
    "a list of words of 1 MB, JSON": (json.dumps({"words": WORDS}), "GMT file"),
    "a list of words of 1 MB, inside": ({"any": [{"not": {"words": WORDS}}]}, "GMT file"),
    "a word of 1 MB": ({"words": ["a" * 1_000_000]}, "GMT file"),
    "a prefix of 1 MB": ({"prefix": "a" * 1_000_000}, "GMT file"),
    "a bare name of 1 MB": ("a" * 1_000_000, "GMT file"),
    "1,000 nots": (nested("not", 1000), "levels deep: flatten"),
    "1,000 anys": (nested("any", 1000), "levels deep: flatten"),
    "1,000 alls": (nested("all", 1000), "levels deep: flatten"),
    "1,000 nots, JSON": (nested_json("not", 1000), "levels deep: flatten"),
    "1,000 anys, JSON": (nested_json("any", 1000), "levels deep: flatten"),
    "30,000 nots, JSON": (nested_json("not", 30_000), "levels deep: flatten"),
    "1,000 lists": ({"words": nested_list(1000)}, "words"),
    "900 lists, JSON": ('{"words":' + "[" * 900 + '"a"' + "]" * 900 + "}", "words"),
    "300,000 ids, JSON": (json.dumps({"ids": list(range(300_000))}), "GMT file"),
    "300,001 ids": ({"ids": [number % 100 for number in range(300_001)]}, "GMT file"),
    "an id of 5,000 digits, JSON": ('{"ids":[' + "1" * 5000 + "]}", "digits"),
    "an unknown key of 100 KB": ({"a" * 100_000: 1}, "unknown key"),
    "100,000 unknown keys": ({f"key{number}": 1 for number in range(100_000)}, "unknown key"),
    "1,000 parts": ({"any": [{"prefix": "a"}] * 1000}, "GMT file"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("spec", "message"), TOO_LARGE.values(), ids=TOO_LARGE)
def test_what_is_too_large_or_too_deep_is_refused_in_time(way: str, spec: Any, message: str) -> None:
    assert message in refused(way, spec)


NOT_THERE: dict[str, tuple[Any, str]] = {
    "300,000 ids": ({"ids": list(range(300_000))}, f"ids 0 to {LAST}"),
    "300,000 ids, inside": ({"any": [{"not": {"ids": list(range(300_000))}}]}, f"ids 0 to {LAST}"),
    "an id of 40 digits": ({"ids": [10**40]}, f"ids 0 to {LAST}"),
    "a name of 100 KB": ({"library": "a" * 100_000}, "No token set fits"),
    "a script of 100 KB": ({"script": "a" * 100_000}, "No Unicode script"),
    "a part of speech of 100 KB": ({"pos": "a" * 100_000}, "No part of speech"),
}


@pytest.mark.parametrize("way", ["resolve", "OpenLibrary"])
@pytest.mark.parametrize(("spec", "message"), NOT_THERE.values(), ids=NOT_THERE)
def test_what_the_vocabulary_does_not_have_is_refused_in_time(way: str, spec: Any, message: str) -> None:
    assert message in refused(way, spec)


@pytest.mark.parametrize(
    "pattern",
    [
        r"(a|aa)+$",
        r"(a|a)*$",
        r"(.*a){25}$",
        r"((a{1,30}){1,30}){1,30}b",
        r"(a{1,999}){1,99}$",
        r"(?=(a|aa)+b)",
        r"(?!(a|aa)+b)a",
        r"(?=.*(.+)\1.*!)",
        r"( | )+!",
        r"(?i)(-|-)+!",
    ],
)
@pytest.mark.parametrize("way", ["resolve", "OpenLibrary"])
def test_a_pathological_regex_is_refused_in_time(way: str, pattern: str) -> None:
    assert "takes too long on this vocabulary: avoid nested repeats" in refused(way, {"regex": pattern})


def test_many_pathological_regexes_are_refused_no_later_than_one() -> None:
    parts = [{"not": {"regex": f"(a|aa)+{letter}"}} for letter in "bcdefgh"]
    assert "takes too long" in refused("OpenLibrary", {"any": parts})


@pytest.mark.parametrize(
    ("pattern", "plain"),
    [(r"(a+)+$", r"a+$"), (r"(a*)*!", r"a*!"), (r"(?=(a+)+!)", r"a+!"), (r"(-+)+ ", r"-+ "), (r"(1+1+)+$", r"11+$")],
)
def test_nested_repeats_that_the_engine_sees_through_mean_what_plain_ones_do(pattern: str, plain: str) -> None:
    found: list[list[int]] = []
    assert seconds(lambda: found.append(resolve({"regex": pattern}, TOKENS).ids.tolist())) < SECONDS
    assert found[0] == resolve({"regex": plain}, TOKENS).ids.tolist()


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(?:a{1000}){1000}", "counted repeats"),
        ("(?:(?:a{100}){100}){100}", "counted repeats"),
        ("(?:a{,2000}){2000}", "counted repeats"),
        ("a{99999999}", "counted repeats"),
        ("(?:a{100}){99}{101}", "counted repeats"),
        ("(?:" + "[ab]" * 240 + "){5000}", "counted repeats"),  # 1.2 million classes, one after another
        ("(?x)a{1 000 000}", "regex"),  # to the engine a number of 7 digits
        ("(?x)a{1#\n000#\n000}", "regex"),
        ("a" * 1001, "at most 1,000"),
        ("(" * 333 + ")" * 333, "regex"),
        (r"\p{" + "a" * 990 + "}", "regex"),
    ],
)
def test_a_regex_too_large_to_compile_is_refused_in_time(pattern: str, message: str) -> None:
    assert message in refused("resolve", {"regex": pattern})


WITHIN: dict[str, Any] = {
    "300,000 ids": {"ids": [number % LAST for number in range(300_000)]},
    "15 nots around 299,000 ids": nested("not", 16, {"ids": [number % LAST for number in range(299_000)]}),
    "15 anys around 200 ids": nested("any", 16, {"ids": list(range(200))}),
    "190 names of the whole library": {"any": [{"library": "*"}] * 190},
    "190 lengths": {"any": [{"length": number} for number in range(190)]},
}


@pytest.mark.parametrize("spec", WITHIN.values(), ids=WITHIN)
def test_what_is_within_the_limits_is_resolved_in_time(spec: Any) -> None:
    assert seconds(lambda: WAYS["OpenLibrary"](spec)) < SECONDS


def test_a_whole_library_many_times_over_is_resolved_in_time(gpt2: Vocabulary, gpt2_library: TokenSetLibrary) -> None:
    spec = {"any": [{"library": "*" * (1 + number)} for number in range(20)]}
    assert seconds(lambda: resolve(spec, gpt2, gpt2_library)) < SECONDS


def test_many_plain_regexes_are_no_pathological_one(gpt2: Vocabulary) -> None:
    spec = {"any": [{"regex": f"{letter}[a-z]+$"} for letter in "abcdefgh"]}
    assert len(resolve(spec, gpt2).ids) > 1000


COMMANDS: dict[str, tuple[str, str]] = {
    "a pathological regex": (json.dumps({"regex": "( | )+!"}), "avoid nested repeats"),
    "a list of words of 1 MB": (json.dumps({"words": WORDS}), "GMT file"),
    "1,000 nots": (nested_json("not", 1000), "levels deep: flatten"),
    "1,000 anys": (nested_json("any", 1000), "levels deep: flatten"),
    "900 lists": ('{"words":' + "[" * 900 + '"a"' + "]" * 900 + "}", "words"),
    "300,000 ids": (json.dumps({"ids": list(range(300_000))}), "GMT file"),
    "50,000 ids": (json.dumps({"ids": list(range(50_000))}), "ids 0 to 8191"),
    "an id of 5,000 digits": ('{"ids":[' + "1" * 5000 + "]}", "digits"),
}


@pytest.mark.parametrize(("spec", "message"), COMMANDS.values(), ids=COMMANDS)
def test_the_command_line_refuses_in_time_with_one_line(spec: str, message: str) -> None:
    def command(text: str) -> Any:
        return CliRunner().invoke(app, ["sets", "resolve", "--tokenizer", str(POCKET), "--spec", text])

    plain = '{"prefix": "re"}'
    assert command(plain).exit_code == 0  # from here on the tokenizer is in the cache
    results: list[Any] = []
    beyond = seconds(lambda: results.append(command(spec))) - seconds(lambda: command(plain))
    assert beyond < SECONDS
    assert (results[0].exit_code, results[0].stdout) == (2, "")
    (line,) = results[0].stderr.splitlines()
    assert line.startswith("Error: ") and message in line and len(line) <= LONGEST_LINE
