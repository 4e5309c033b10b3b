"""The protocol's own suite (@modelcontextprotocol/conformance), both requirement sets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from external import installs
from external.programs import HERE, SERVE_WITH_FIXTURES, run
from served import over_http

REVISIONS = ("2025-11-25", "2026-07-28")


@pytest.fixture(scope="module")
def address_with_fixtures() -> Iterator[str]:
    with over_http(*SERVE_WITH_FIXTURES) as url:
        yield url


def _conformance(url: str, revision: str, results: Path, *options: str) -> str:
    """The suite's summary; fails where the suite does."""
    command = [*installs.node_program("conformance"), "server", "--url", url, "--requirements", revision]
    ended = run([*command, "--output-dir", str(results), *options])
    summary = ended.stdout[ended.stdout.find("=== SUMMARY ===") :]
    print(summary)
    assert ended.returncode == 0, ended.stderr
    return summary


@pytest.mark.parametrize("revision", REVISIONS)
def test_the_server_with_the_suites_fixtures_meets_every_requirement(
    address_with_fixtures: str, revision: str, tmp_path: Path
) -> None:
    summary = _conformance(address_with_fixtures, revision, tmp_path)
    required = summary[: summary.index("Not scored")]
    assert required.count("✓") >= 30


@pytest.mark.parametrize("revision", REVISIONS)
def test_the_plain_server_fails_only_where_the_suite_calls_fixtures(
    address: str, revision: str, tmp_path: Path
) -> None:
    baseline = HERE / "node" / "needs_fixtures.yml"
    _conformance(address, revision, tmp_path, "--expected-failures", str(baseline))
