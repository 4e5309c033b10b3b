"""A host of MCP Apps, as small as can be: a page that shows a view in a sandbox and keeps what it says."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import BrowserContext, Dialog, Frame, Page, Route

CSP = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'none'"
)
HOST, VIEW = "http://host.test/", "http://view.test/"
PAGE = f"""<!doctype html><meta charset="utf-8"><title>host</title>
<style>body {{ margin: 0 }} iframe {{ width: 100%; height: 100px; border: 0; display: block }}</style>
<script>
const said = [];
window.addEventListener("message", ({{ data, source }}) => {{
  said.push(data);
  if (data.method === "ui/initialize")
    source.postMessage({{ jsonrpc: "2.0", id: data.id, result: {{
      protocolVersion: "2026-01-26", hostInfo: {{ name: "host", version: "1" }}, hostCapabilities: {{}},
      hostContext: window.hostContext }} }}, "*");
  if (data.method === "ui/notifications/size-changed")
    document.querySelector("iframe").style.height = data.params.height + "px";
}});
function tell(message) {{
  document.querySelector("iframe").contentWindow.postMessage({{ jsonrpc: "2.0", ...message }}, "*");
}}
</script>
<iframe sandbox="allow-scripts" src="{VIEW}"></iframe>"""


class ViewHost:
    """The host's side of one view.

    `trouble` collects what the console says, exceptions, dialogs, and requests beyond the two pages.
    """

    def __init__(self, browser: BrowserContext, html: str, **host_context: Any) -> None:
        self.trouble: list[str] = []
        self._served = {HOST: PAGE, VIEW: html}
        self.page: Page = browser.new_page()
        self.page.route("**/*", self._answer)
        self.page.on("console", lambda said: self.trouble.append(f"{said.type}: {said.text}"))
        self.page.on("pageerror", lambda error: self.trouble.append(str(error)))
        self.page.on("dialog", self._dismiss)
        self.page.add_init_script(f"window.hostContext = {json.dumps(host_context)}")
        self.page.goto(HOST)
        self.page.wait_for_function("said.some((m) => m.method === 'ui/notifications/initialized')")

    @property
    def view(self) -> Frame:
        """The view's own document."""
        return self.page.frames[1]

    @property
    def said(self) -> list[dict[str, Any]]:
        """All messages of the view so far."""
        return self.page.evaluate("said")

    def tell(self, method: str, params: dict[str, Any], **more: Any) -> None:
        """Send the view a notification, or with `id` a request."""
        self.page.evaluate("(message) => tell(message)", {"method": method, "params": params, **more})

    def answer(self, request: int | str) -> dict[str, Any]:
        """The view's response to a request."""
        self.page.wait_for_function("(id) => said.some((m) => m.id === id && !m.method)", arg=request)
        return next(m for m in self.said if m.get("id") == request and "method" not in m)

    def _dismiss(self, dialog: Dialog) -> None:
        self.trouble.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _answer(self, route: Route) -> None:
        body = self._served.get(route.request.url)
        if body is None:
            self.trouble.append(f"request: {route.request.url}")
            route.abort()
            return
        csp = {"Content-Security-Policy": CSP} if route.request.url == VIEW else {}
        route.fulfill(body=body, headers={"Content-Type": "text/html; charset=utf-8", **csp})
