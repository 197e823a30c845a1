"""A real Chromium, driven; an accessibility check; a real JupyterLab."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

T = TypeVar("T")
AXE = Path(__file__).parent.parent.parent / "node_modules" / "axe-core" / "axe.min.js"
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--disable-dev-shm-usage", "--window-size=1280,900",
)  # fmt: skip
PATIENCE = 90.0
"""Seconds that matter only when something is broken."""
AXE_RUN = """
const done = arguments[arguments.length - 1];
axe.run(arguments[0], {resultTypes: ['violations']}).then(
  (found) => done({passes: found.passes.length, bad: found.violations.filter((v) => ['serious', 'critical'].includes(v.impact)).map(
    (v) => `${v.id} (${v.impact}): ${v.help}: ` + v.nodes.slice(0, 3).map((n) => n.html.slice(0, 200) + ' ' + n.failureSummary).join(' | '))}),
  (error) => done({passes: 0, bad: [String(error)]}));
"""


def need_parts() -> None:
    """Skip with the reason where a part is missing."""
    for program in ("chromium", "chromedriver"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: bash .ci/parts")
    pytest.importorskip("selenium", reason="selenium is not installed: bash .ci/parts")


class Browser:
    """One window."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def look(self, *, dark: bool = False, width: int = 1280, height: int = 900) -> None:
        """The reader's system: its preferred colours, the size of its screen."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.media("screen", dark)

    def media(self, media: str, dark: bool = False) -> None:
        """Screen or print."""
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": scheme})

    def script(self, body: str, *arguments: object) -> Any:
        """What JavaScript returns."""
        return self.driver.execute_script(body, *arguments)

    def press(self, *keys: str) -> None:
        """Keys, at what has the focus."""
        from selenium.webdriver.common.action_chains import ActionChains

        chain = ActionChains(self.driver)
        for key in keys:
            chain = chain.send_keys(key)
        chain.perform()

    def until(self, question: Callable[[], T], what: str) -> T:
        """The first answer that is true. Fails with `what` where there is none in time."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                answer = question()
            except Exception as error:
                answer = None
                if time.monotonic() > deadline - 1:
                    raise AssertionError(f"{what}: {error}") from error
            if answer:
                return answer
            time.sleep(0.05)
        self.picture("trouble")
        raise AssertionError(f"waited {PATIENCE} s for {what}")

    def picture(self, name: str) -> None:
        """A screenshot in the folder BROWSER_PICTURES, where somebody wants to look at it."""
        folder = os.environ.get("BROWSER_PICTURES")
        if folder:
            self.driver.save_screenshot(str(Path(folder) / f"{name}.png"))

    def accessible(self, selector: str = "html") -> None:
        """axe finds nothing serious in the element."""
        if not AXE.exists():
            pytest.skip("axe-core is not installed: bash .ci/parts")
        self.driver.execute_cdp_cmd("Runtime.evaluate", {"expression": AXE.read_text(encoding="utf-8")})
        found = self.driver.execute_async_script(AXE_RUN, selector)
        assert found["passes"] > 3, found
        assert found["bad"] == []

    def complaints(self) -> list[str]:
        """What the page put on the console as errors: broken scripts, blocked content."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]


@contextmanager
def open_browser() -> Iterator[Browser]:
    """A browser with a profile of its own; both are gone afterwards."""
    need_parts()
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    profile = tempfile.mkdtemp(prefix="agentlog-browser-")
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    driver.set_script_timeout(PATIENCE)
    try:
        yield Browser(driver)
    finally:
        driver.quit()
        shutil.rmtree(profile, ignore_errors=True)


@contextmanager
def jupyterlab(folder: Path, environment: dict[str, str]) -> Iterator[str]:
    """A JupyterLab server for `folder` with settings of its own; gives its address with the token."""
    pytest.importorskip("jupyterlab", reason="jupyterlab is not installed: bash .ci/parts")
    home = folder.parent / "home"
    places = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime", "IPYTHONDIR": "ipython", "JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces"}  # fmt: skip
    own = {name: str(home / place) for name, place in places.items()}
    words = [
        "--no-browser", "--allow-root", "--ServerApp.port=0", "--ServerApp.ip=127.0.0.1", f"--ServerApp.root_dir={folder}", "--expose-app-in-browser",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", "--IdentityProvider.token=secret-of-the-test",
    ]  # fmt: skip
    quiet = home / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    quiet.parent.mkdir(parents=True)
    quiet.write_text('{"fetchNews": "false", "checkForUpdates": false}')
    with open(folder.parent / "lab.log", "wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *words],
            env={**os.environ, **own, **environment},
            cwd=folder,
            stdout=log,
            stderr=log,
        )
    try:
        yield _address(server, home / "runtime", folder.parent / "lab.log")
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _address(server: subprocess.Popen[bytes], runtime: Path, log: Path) -> str:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and server.poll() is None:
        for file in runtime.glob(f"jpserver-{server.pid}.json"):
            try:
                return str(json.loads(file.read_text())["url"])
            except (ValueError, KeyError):  # it is being written
                pass
        time.sleep(0.1)
    raise AssertionError(f"JupyterLab did not start: {log.read_text()[-3000:]}")
