"""The view of split_histogram in a real browser, in the sandbox and under the policy that hosts give it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import anyio
import pytest
from external.view_host import ViewHost
from mcp import Client
from mcp.client.extension import advertise
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID
from mcp.types import CallToolResult, TextContent, TextResourceContents, Tool
from playwright.sync_api import Browser, BrowserContext, Locator, sync_playwright

from tsea.server.app import build
from tsea.server.views import PLOT_META, SPLIT_HISTOGRAM_URI
from tsea.tools.investigation import Investigation
from tsea.tools.plots import PlotData

SET = "inflection.verb_base"
CALL = {"feature": 3767, "token_set": SET}
MARKUP = "<img src=x onerror=alert(1)>"
Opened = Callable[..., ViewHost]


class Served(NamedTuple):
    """What a client that shows MCP Apps is sent: the tool's listing, the view, and the result of one call."""

    tool: Tool
    view: TextResourceContents
    result: CallToolResult


@pytest.fixture(scope="module")
def served(nltk_data: Path) -> Served:
    """The split of a feature of the bundled subject that promotes verbs."""

    async def call() -> Served:
        shows_apps = advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]})
        async with Client(build(Investigation(), ready=False), extensions=[shows_apps]) as client:
            (tool,) = [tool for tool in (await client.list_tools()).tools if tool.name == "split_histogram"]
            (view,) = (await client.read_resource(tool.meta["ui"]["resourceUri"] if tool.meta else "")).contents
            assert isinstance(view, TextResourceContents)
            return Served(tool, view, await client.call_tool("split_histogram", CALL))

    return anyio.run(call)


@pytest.fixture(scope="module")
def data(served: Served) -> PlotData:
    return PlotData.model_validate((served.result.meta or {})[PLOT_META])


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.fail("This test needs Chromium or Chrome on the path: install one of them.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 720, "height": 600})
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture
def opened(context: BrowserContext, served: Served, data: PlotData) -> Iterator[Opened]:
    """Opens the view in a host with this context and shows it `data`, with these fields changed."""
    hosts: list[ViewHost] = []

    def opened(changed: dict[str, Any] | None = None, **host_context: Any) -> ViewHost:
        host = ViewHost(context, served.view.text, **host_context)
        hosts.append(host)
        show(host, {**data.model_dump(), **(changed or {})})
        return host

    yield opened
    for host in hosts:
        assert host.trouble == [], "no message on the console, no exception, no dialog and no request"


def show(host: ViewHost, plot: dict[str, Any] | None, text: str = "the numbers", **result: Any) -> None:
    """What a host says when the tool has answered."""
    meta = {} if plot is None else {"_meta": {PLOT_META: plot}}
    host.tell("ui/notifications/tool-input", {"arguments": CALL})
    host.tell("ui/notifications/tool-result", {"content": [{"type": "text", "text": text}], **meta, **result})
    host.view.wait_for_selector("svg" if plot else "#text:not([hidden])")


def tip(host: ViewHost) -> list[str]:
    """The lines of what is said about the place pointed at."""
    return host.view.locator("#tip p").all_inner_texts()


def hover(host: ViewHost, mark: Locator, across: float = 0.5, down: float = 0.5) -> list[str]:
    """Point at a place of a drawn mark, in shares of its size, and read what is said."""
    box = mark.bounding_box()
    assert box is not None
    host.page.mouse.move(box["x"] + box["width"] * across, box["y"] + box["height"] * down)
    host.view.wait_for_selector("#tip:not([hidden])")
    return tip(host)


def short(number: float) -> str:
    """A number as the view writes it: four significant digits."""
    return f"{float(f'{number:.4g}'):g}"


def lines_of_bin(data: PlotData, index: int) -> list[str]:
    """What the view must say of a bin, without the members that it names."""
    groups = {"members": data.inside, "others": data.outside}
    return [
        f"logit weight {short(data.edges[index])} to {short(data.edges[index + 1])}",
        *(
            f"{name}: {group.counts[index]:,} of {group.size:,}, density {short(group.density[index])}"
            for name, group in groups.items()
        ),
    ]


def test_the_server_declares_a_view_that_may_load_nothing(served: Served) -> None:
    assert served.tool.meta == {"ui": {"resourceUri": SPLIT_HISTOGRAM_URI}}
    assert served.view.mime_type == "text/html;profile=mcp-app"
    csp = (served.view.meta or {})["ui"]["csp"]
    assert csp == {"connectDomains": [], "resourceDomains": [], "frameDomains": [], "baseUriDomains": []}


def test_what_is_drawn_is_what_the_text_says(served: Served, data: PlotData) -> None:
    text = served.result.content[0]
    assert isinstance(text, TextContent)
    said = json.loads(text.text)
    assert (said["members"]["tokens"], said["others"]["tokens"]) == (data.inside.size, data.outside.size)
    assert said["es_promoted"] == pytest.approx(data.peaks[0].score, rel=1e-3)
    assert sum(said["bins"]["members"]) == sum(data.inside.counts)


def test_the_handshake_is_that_of_mcp_apps(opened: Opened) -> None:
    said = opened().said
    first, second = said[:2]
    assert (first["method"], first["params"]["protocolVersion"]) == ("ui/initialize", "2026-01-26")
    assert set(first["params"]) == {"protocolVersion", "appInfo", "appCapabilities"}
    assert second == {"jsonrpc": "2.0", "method": "ui/notifications/initialized", "params": {}}
    assert {m["method"] for m in said[2:]} <= {"ui/notifications/size-changed"}


def test_the_bars_are_as_high_as_the_densities(opened: Opened, data: PlotData) -> None:
    view = opened().view
    tops = {}
    for side, group in (("inside", data.inside), ("outside", data.outside)):
        path = view.locator(f"path.area.{side}").get_attribute("d") or ""
        points = [[float(n) for n in point.split()] for point in path.removeprefix("M").split("L")]
        assert len(points) == 2 * len(group.counts) + 2
        floor = points[0][1]
        tops[side] = [floor - y for _, y in points[1:-1:2]]
    scale = max(tops["inside"]) / max(data.inside.density)
    for side, group in (("inside", data.inside), ("outside", data.outside)):
        assert tops[side] == pytest.approx([scale * d for d in group.density], abs=0.2)  # a tenth of a pixel each
    legend = view.locator("#legend li").all_inner_texts()
    assert legend == [f"{SET} ({data.inside.size})", f"other tokens ({data.outside.size:,})"]


@pytest.mark.parametrize("across", [0.02, 0.3, 0.5, 0.77, 0.99])
def test_pointing_at_a_bin_tells_its_range_counts_and_densities(opened: Opened, data: PlotData, across: float) -> None:
    host = opened()
    said = hover(host, host.view.locator("path.area.outside"), across)
    index = int(across * len(data.inside.counts))
    assert said[:3] == lines_of_bin(data, index)
    here = [token for token, place in zip(data.members.tokens, data.members.bins, strict=True) if place == index]
    assert said[3:] == ([f"among them {', '.join(here[:6])}{', …' if len(here) > 6 else ''}"] if here else [])


def test_pointing_at_the_rug_tells_the_member_and_its_weight(opened: Opened, data: PlotData) -> None:
    host = opened()
    rug = host.view.locator("path.tick")
    assert (rug.get_attribute("d") or "").count("M") == data.inside.size
    for across, member in ((0.0, -1), (1.0, 0)):  # from the most suppressed to the most promoted member
        assert hover(host, rug, across) == [
            data.members.tokens[member],
            f"rank {data.members.ranks[member] + 1:,} of {data.n_tokens:,}",
            f"logit weight {short(data.members.weights[member])}",
        ]


def test_the_running_sum_is_a_click_away_and_tells_rank_token_and_sum(opened: Opened, data: PlotData) -> None:
    host = opened()
    host.view.locator("#running_sum").click()
    (peak,) = data.peaks  # this feature only promotes
    assert host.view.locator("#legend li").all_inner_texts()[1] == f"ES+ {peak.score:+.3f} at rank {peak.rank + 1:,}"
    said = hover(host, host.view.locator("path.peak"))
    place = data.curve.ranks.index(peak.rank)
    assert said == [
        data.curve.tokens[place] + (" (member)" if data.curve.hits[place] else ""),
        f"rank {peak.rank + 1:,} of {data.n_tokens:,}",
        f"logit weight {short(data.curve.weights[place])}",
        f"running sum {peak.score:+.3f}: this is ES+",
    ]
    last = hover(host, host.view.locator("path.curve"), 1.0)
    assert (last[0], last[1]) == (data.curve.tokens[-1], f"rank {data.n_tokens:,} of {data.n_tokens:,}")
    assert host.view.locator("path.tick").count() == 1


def test_the_call_chooses_what_is_shown_first(opened: Opened) -> None:
    view = opened({"plot": "running_sum"}).view
    assert view.locator("path.curve").count() == 1
    pressed = {name: view.locator(f"#{name}").get_attribute("aria-pressed") for name in ("histogram", "running_sum")}
    assert pressed == {"histogram": "false", "running_sum": "true"}


def test_everything_can_be_reached_by_keyboard(opened: Opened, data: PlotData) -> None:
    host = opened()
    keys = host.page.keyboard
    for name in ("histogram", "running_sum", "plot"):
        keys.press("Tab")
        host.view.wait_for_function("(name) => document.activeElement.id === name", arg=name)
    keys.press("ArrowRight")
    assert tip(host)[:3] == lines_of_bin(data, 0)
    keys.press("ArrowRight")
    assert tip(host)[:3] == lines_of_bin(data, 1)
    keys.press("End")
    assert tip(host)[:3] == lines_of_bin(data, len(data.inside.counts) - 1)
    keys.press("ArrowDown")
    keys.press("End")
    assert tip(host)[0] == data.members.tokens[0]
    keys.press("Escape")
    assert host.view.locator("#tip").is_hidden()
    keys.press("Shift+Tab")
    keys.press("Enter")
    assert host.view.locator("path.curve").count() == 1


def test_texts_from_elsewhere_are_shown_as_they_stand(opened: Opened, data: PlotData) -> None:
    named = {**data.members.model_dump(), "tokens": [MARKUP] * data.inside.size}
    curve = {**data.curve.model_dump(), "tokens": [MARKUP] * len(data.curve.ranks)}
    host = opened({"title": MARKUP, "set_name": MARKUP, "members": named, "curve": curve})
    view = host.view
    assert view.locator("#title").inner_text() == MARKUP
    assert view.locator("#legend li").first.inner_text() == f"{MARKUP} ({data.inside.size})"
    assert hover(host, view.locator("path.tick"), 1.0)[0] == MARKUP
    assert MARKUP in hover(host, view.locator("path.area.outside"), 0.99)[3]
    view.locator("#running_sum").click()
    assert hover(host, view.locator("path.curve"), 1.0)[0] == MARKUP
    assert view.locator("img").count() == 0


def ground(host: ViewHost) -> str:
    return host.view.evaluate("getComputedStyle(document.body).backgroundColor")


def test_the_theme_is_the_host_s_and_without_one_that_of_the_system(opened: Opened, context: BrowserContext) -> None:
    light, dark = "rgb(255, 255, 255)", "rgb(28, 28, 28)"
    host = opened(theme="dark")
    assert ground(host) == dark
    host.tell("ui/notifications/host-context-changed", {"theme": "light"})
    host.view.wait_for_selector(":root[data-theme=light]")
    assert ground(host) == light
    unnamed = opened()
    assert ground(unnamed) == light
    unnamed.page.emulate_media(color_scheme="dark")
    assert ground(unnamed) == dark
    styled = opened(theme="light", styles={"variables": {"--color-background-primary": "rgb(1, 2, 3)"}})
    assert ground(styled) == "rgb(1, 2, 3)"


def test_the_plot_is_as_wide_as_its_container_and_tells_its_height(opened: Opened) -> None:
    host = opened()
    for width in (1000, 360):
        host.page.set_viewport_size({"width": width, "height": 600})
        host.view.wait_for_selector(f"svg[width='{width - 24}']")
        host.page.wait_for_function("document.querySelector('iframe').clientHeight > 200")
        assert host.view.evaluate("document.documentElement.scrollWidth") == width
    needed = host.view.evaluate("Math.ceil(document.documentElement.getBoundingClientRect().height)")
    told = [m["params"] for m in host.said if m.get("method") == "ui/notifications/size-changed"]
    assert told[-1] == {"width": 360, "height": needed}


def test_a_fixed_height_is_filled_and_a_greatest_one_kept(opened: Opened) -> None:
    fixed = opened(containerDimensions={"width": 720, "height": 300})
    fixed.page.evaluate("document.querySelector('iframe').style.height = '500px'")
    fixed.view.wait_for_function("document.querySelector('#plot').clientHeight > 350")
    assert fixed.view.evaluate("document.documentElement.scrollHeight") == 500
    assert not [m for m in fixed.said if m.get("method") == "ui/notifications/size-changed"]
    limited = opened(containerDimensions={"maxHeight": 320})
    limited.page.wait_for_function("document.querySelector('iframe').clientHeight > 200")
    assert limited.said[-1]["params"]["height"] <= 320


def test_without_data_the_text_of_the_result_is_shown(context: BrowserContext, served: Served) -> None:
    host = ViewHost(context, served.view.text)
    assert host.view.locator("#text").inner_text() == "Waiting for the result."
    show(host, None, f"No set is called {MARKUP}: see list_token_sets.", isError=True)
    assert host.view.locator("#text").inner_text() == f"No set is called {MARKUP}: see list_token_sets."
    host.tell("ui/notifications/tool-cancelled", {"reason": "the user left"})
    host.view.wait_for_function("document.querySelector('#text').textContent === 'Cancelled: the user left'")
    odd = {"content": [{"type": "text", "text": "all of it"}], "_meta": {PLOT_META: {"plot": "pie"}}}
    host.tell("ui/notifications/tool-result", odd)
    host.view.wait_for_function("document.querySelector('#text').textContent === 'all of it'")
    assert host.view.locator("#chart").is_hidden()
    assert host.trouble == []


def test_where_no_running_sum_is_defined_a_line_says_so(opened: Opened) -> None:
    nothing = {"ranks": [], "tokens": [], "weights": [], "hits": [], "running": []}
    view = opened({"curve": nothing, "peaks": []}).view
    view.locator("#running_sum").click()
    assert "no running sum" in view.locator("#legend").inner_text()
    view.locator("#histogram").click()
    assert view.locator("path.area").count() == 2


def test_of_many_members_the_ranking_shows_how_many_stand_where(opened: Opened, data: PlotData) -> None:
    host = opened(
        {"profile": [3] * 100 + [1] * 100, "plot": "running_sum", "inside": {**data.inside.model_dump(), "size": 400}}
    )
    said = hover(host, host.view.locator("path.inside:not(.peak)"), 0.001)
    assert said == ["ranks 1 to 25", "members: 3"]  # 4,912 tokens in 200 stretches
    assert host.view.locator("#note").inner_text() == "Named here: the 119 most extreme of 400 members."
    host.view.locator("#histogram").click()
    assert host.view.locator("path.tick").count() == 0


def test_requests_of_the_host_are_answered_and_other_windows_are_not_heard(opened: Opened) -> None:
    host = opened()
    host.tell("ping", {}, id="p")
    assert host.answer("p")["result"] == {}
    host.tell("ui/resource-teardown", {"reason": "done"}, id="t")
    assert host.answer("t")["result"] == {}
    host.tell("tools/list", {}, id="l")
    assert host.answer("l")["error"]["code"] == -32601
    # From its own window, not the host's: were it heard, the text would replace the plot.
    forged = {"jsonrpc": "2.0", "method": "ui/notifications/tool-cancelled", "params": {"reason": "forged"}}
    host.view.evaluate("(message) => window.postMessage(message, '*')", forged)
    host.tell("ping", {}, id="q")
    host.answer("q")
    assert host.view.locator("#chart").is_visible()


def test_the_sandbox_of_this_test_would_show_a_request(context: BrowserContext, served: Served) -> None:
    host = ViewHost(context, served.view.text)
    host.view.evaluate("fetch('http://elsewhere.test/').catch(() => null)")
    assert any("Content Security Policy" in line for line in host.trouble)
