"""MCP Apps: what clients that can show HTML draw from a tool's result."""

from __future__ import annotations

from pathlib import Path

from mcp.server.apps import Apps, ResourceCsp

SPLIT_HISTOGRAM_URI = "ui://tsea/split_histogram.html"
PLOT_META = "tsea/plot"  # the key of a result's _meta that holds a tools.plots.PlotData


def split_histogram_html() -> str:
    """The interactive split histogram and running sum: one file that loads nothing."""
    return (Path(__file__).parent / "split_histogram.html").read_text("utf-8")


def add_views(apps: Apps) -> None:
    """Register every view; tools name them with `apps.tool(resource_uri=SPLIT_HISTOGRAM_URI)`."""
    apps.add_html_resource(
        SPLIT_HISTOGRAM_URI,
        split_histogram_html(),
        name="split_histogram",
        title="Split histogram and running sum",
        description="Draws what split_histogram returns: a feature's logit weights, split by a token set.",
        csp=ResourceCsp(connect_domains=[], resource_domains=[], frame_domains=[], base_uri_domains=[]),
        prefers_border=True,
    )
