"""What people see, in a real Chromium: the replay file from disk, and JupyterLab with the extension."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from browser import Browser, jupyterlab, open_browser

from agentlog.context import build
from agentlog.events import Change, Displayed, Failure, Frame, MessageSaid, NamespaceChanged, Value
from agentlog.report.page import document
from agentlog.report.steps import gather
from agentlog.store import Store

from store_suite import Story  # isort: skip

pytestmark = [pytest.mark.parts, pytest.mark.timeout(400)]
HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
ERROR = Failure("KeyError", "'price'", frames=(Frame("cell", "<cell>", 1, "<module>", count=3, source="frame['price']"),))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as found:
        yield found


# --- the replay file ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a report on disk: five cells, a thought, hostile output, a long one, a failure."""
    story, store = Story(), Store.in_memory()
    session = story.session(notebook="/x/demo.ipynb", task=f"demo {HOSTILE}")
    for count, (source, name) in enumerate(
        (
            ("frame = load()", "frame"),
            ("rate = 1.19", "rate"),
            ("frame['price']", ""),
            (f"print({HOSTILE!r})", "x"),
            ("last = 1", "last"),
        ),
        1,
    ):
        failed = count == 3
        execution = story.cell(
            session,
            count,
            source,
            status="error" if failed else "ok",
            error=ERROR if failed else None,
            printed=HOSTILE if count == 4 else "line\n" * (80 if count == 5 else 1),
        )
        if name:
            changes = (
                Change(name, "made", new=Value("str", value=f"value of {name}")),
                *((Change("rate", "deleted"),) if count == 5 else ()),
            )
            story.add(NamespaceChanged(session=session, execution=execution, changes=changes))
        if count == 4:
            story.add(Displayed(session=session, execution=execution, data={"text/html": HOSTILE}))
            story.add(
                Displayed(
                    session=session,
                    execution=execution,
                    data={
                        "image/svg+xml": "<svg xmlns='http://www.w3.org/2000/svg' width='40' height='40'><rect width='40' height='40' fill='teal'/><script>document.title='owned'</script></svg>",
                        "text/plain": "a square",
                    },
                )
            )
    story.add(MessageSaid(session=session, role="thought", text="that went wrong"))
    for event in story.events:
        store.add(event)
    file = tmp_path_factory.mktemp("replay") / "replay.html"
    file.write_text(document(store, gather(store, store.session(session))), encoding="utf-8")
    store.close()
    return file.as_uri()


def where(browser: Browser) -> str:
    return str(browser.script("return document.getElementById('where').textContent"))


def names(browser: Browser) -> dict[str, str]:
    rows: list[list[str]] = browser.script(
        "return [...document.querySelectorAll('#names tbody tr')].map((row) => [row.querySelector('code').textContent, row.cells[1].textContent])"
    )
    return dict(map(tuple, rows))  # type: ignore[arg-type]


def shown(browser: Browser) -> list[str]:
    return list(
        browser.script(
            "return [...document.querySelectorAll('.step')].filter((step) => !step.hidden).map((step) => step.querySelector('.label').textContent)"
        )
    )


def test_stepping_by_keys_and_buttons_shows_the_names_of_each_step(browser: Browser, replay: str) -> None:
    """Arrow keys and buttons move; the names are those of the step; f finds the failure; the address remembers."""
    from selenium.webdriver.common.keys import Keys

    browser.look()
    browser.driver.get(replay)
    assert where(browser) == "Step 1 of 6: In[1]"
    assert names(browser) == {"frame": "'value of frame'"}
    browser.press(Keys.ARROW_RIGHT)
    assert (where(browser), set(names(browser))) == ("Step 2 of 6: In[2]", {"frame", "rate"})
    browser.script(
        "document.getElementById('after').click(); document.getElementById('after').click(); document.getElementById('after').click()"
    )
    assert (where(browser), set(names(browser))) == ("Step 5 of 6: In[5]", {"frame", "x", "last"})
    browser.press(Keys.ARROW_LEFT, "f")
    assert where(browser) == "Step 3 of 6: In[3], failed"
    assert browser.driver.current_url.endswith("#s2")
    assert "The run failed in cell 3" in browser.script("return document.querySelector('.step.now').textContent")
    browser.driver.get(replay + "#s3")
    browser.driver.refresh()
    assert where(browser) == "Step 4 of 6: In[4]"
    assert browser.complaints() == []


def test_search_and_filters(browser: Browser, replay: str) -> None:
    """By text, status, kind and time; stepping stays among what is shown; a reset shows all."""
    browser.look()
    browser.driver.get(replay)
    browser.press("/", "frame")
    assert shown(browser) == ["In[1]", "In[3]"]
    assert browser.script("return document.getElementById('matches').textContent") == "2 of 6 steps"
    browser.press("/")  # in a field a key is a letter
    assert shown(browser) == []
    fill = "const field = document.getElementById(arguments[0]); field.value = arguments[1]; field.dispatchEvent(new Event('input', {bubbles: true}))"
    for field, value, expected in (
        ("status", "failed", ["In[3]"]), ("kind", "thought", ["thought"]), ("since", "2999-01-01T00:00:00", []),
        ("until", "2999-01-01T00:00:00", ["In[1]", "In[2]", "In[3]", "In[4]", "In[5]", "thought"]),
    ):  # fmt: skip
        browser.script("document.getElementById('filters').reset()")
        browser.script(fill, field, value)
        assert shown(browser) == expected, field
    browser.script("document.getElementById('filters').reset()")
    browser.until(lambda: len(shown(browser)) == 6, "all steps after the reset")


def test_hostile_content_does_nothing(browser: Browser, replay: str) -> None:
    """No script of the recording runs, nothing is fetched, and the page says so of a script that gets in."""
    browser.look()
    browser.driver.get(replay)
    browser.script("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert browser.driver.title.startswith("demo </script>")
    assert (
        browser.script("return performance.getEntriesByType('resource').filter((one) => !one.name.startsWith('data:')).length")
        == 0
    )
    assert browser.complaints() == []
    browser.script(
        "const bad = document.createElement('script'); bad.textContent = \"document.title = 'owned'\"; document.body.append(bad)"
    )
    assert browser.driver.title != "owned"
    assert any("Content Security Policy" in said or "content security policy" in said for said in browser.complaints())


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390], ids=["desktop", "phone"])
def test_readable_and_accessible(browser: Browser, replay: str, dark: bool, width: int) -> None:
    """Nothing serious for axe, with everything unfolded; nothing sticks out of the screen; the colours follow the system."""
    browser.look(dark=dark, width=width, height=800)
    browser.driver.get(replay)
    browser.picture(f"replay-{width}-{'dark' if dark else 'light'}")
    browser.script("document.getElementById('next-failed').click()")
    browser.script("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    browser.picture(f"replay-{width}-{'dark' if dark else 'light'}-failure")
    assert browser.script("return document.documentElement.scrollWidth") <= width
    page = browser.script("return getComputedStyle(document.body).backgroundColor")
    assert page == ("rgb(13, 17, 23)" if dark else "rgb(255, 255, 255)")
    browser.accessible()


def test_print_shows_everything(browser: Browser, replay: str) -> None:
    """Also what a filter hides; the tools of the screen are left out."""
    browser.look()
    browser.driver.get(replay)
    browser.press("/", "frame")
    browser.media("print")
    hidden = "return [...document.querySelectorAll('.step')].filter((step) => getComputedStyle(step).display === 'none').length"
    assert browser.script(hidden) == 0
    assert browser.script("return getComputedStyle(document.querySelector('.bar')).display") == "none"
    pages = browser.driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})
    assert len(pages["data"]) > 10_000
    browser.media("screen")


# --- a notebook as HTML -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_in_a_notebook_as_html(browser: Browser, tmp_path: Path, theme: str) -> None:
    """What nbconvert makes of a notebook shows the display in the colours of the page, without anything of ours beside it."""
    nbconvert = pytest.importorskip("nbconvert")
    from nbformat.v4 import new_code_cell, new_notebook, new_output

    story, store = Story(), Store.in_memory()
    story.cell(story.session(), 3, "frame['price']", status="error", error=ERROR)
    for event in story.events:
        store.add(event)
    bundle = build(store)._repr_mimebundle_()
    store.close()
    cell = new_code_cell("%agentlog context", outputs=[new_output("execute_result", data=bundle, execution_count=1)])
    page, _ = nbconvert.HTMLExporter(theme=theme).from_notebook_node(new_notebook(cells=[cell]))
    file = tmp_path / "notebook.html"
    file.write_text(re.sub(r"<script[^>]*https?://.*?</script>", "", page, flags=re.DOTALL), encoding="utf-8")
    browser.look(dark=theme == "light")  # the page decides, not the system
    browser.driver.get(file.as_uri())
    assert "KeyError: 'price'" in browser.script("return document.querySelector('.agentlog').innerText")
    assert browser.script("return getComputedStyle(document.querySelector('.agentlog')).colorScheme") == theme
    browser.picture(f"nbconvert-{theme}")
    browser.accessible(".agentlog")


# --- JupyterLab ---------------------------------------------------------------------------------------------------

CELLS = ("%load_ext agentlog", "prices = {'apple': 3, 'pear': 4}", "total = sum(prices.values())", "prices['Apple'] * total", "")


@pytest.fixture(scope="module")
def lab(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """JupyterLab with a notebook open whose fourth cell has failed."""
    base = tmp_path_factory.mktemp("lab")
    folder = base / "work"
    folder.mkdir()
    cells: list[dict[str, Any]] = [
        {"cell_type": "code", "id": f"c{number}", "source": source, "metadata": {}, "outputs": [], "execution_count": None}
        for number, source in enumerate(CELLS)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    (folder / "prices.ipynb").write_text(
        json.dumps({"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5})
    )
    with jupyterlab(folder, {"AGENTLOG_DIR": str(base / "store")}) as address:
        browser.look()
        browser.driver.get(f"{address}doc/tree/prices.ipynb?token=secret-of-the-test")
        browser.until(
            lambda: browser.script("return !!window.jupyterapp && !!document.querySelector('.jp-Notebook .jp-CodeCell')"),
            "the notebook",
        )
        ready = "const panel = jupyterapp.shell.currentWidget; return !!panel && panel.context && panel.context.sessionContext.session?.kernel?.status"
        browser.until(lambda: browser.script(ready) == "idle", "an idle kernel")
        browser.script("return jupyterapp.commands.execute('notebook:run-all-cells').catch(() => {})")
        browser.until(lambda: "KeyError" in outputs(browser, 3), "the failure")
        yield browser
        browser.script("return jupyterapp.commands.execute('kernelmenu:shutdown').catch(() => {})")


def outputs(browser: Browser, cell: int) -> str:
    return str(
        browser.script(
            "const cell = document.querySelectorAll('.jp-CodeCell')[arguments[0]]; return cell.querySelector('.jp-OutputArea-output') ? cell.querySelector('.jp-Cell-outputArea').innerText : ''",
            cell,
        )
    )


def last_cell(browser: Browser, text: str) -> None:
    """The cursor into the last cell, which then holds `text`, typed."""
    browser.script(
        "const book = jupyterapp.shell.currentWidget.content; book.activeCellIndex = book.widgets.length - 1; book.activeCell.model.sharedModel.setSource(''); book.mode = 'edit'; book.activeCell.editor.focus()"
    )
    browser.until(
        lambda: browser.script("return !!document.activeElement?.closest('.jp-CodeCell .cm-editor')"), "the cursor in the cell"
    )
    browser.press(text)


def source_of_last(browser: Browser) -> str:
    return str(
        browser.script("const book = jupyterapp.shell.currentWidget.content; return book.activeCell.model.sharedModel.source")
    )


def run_last(browser: Browser, text: str, wanted: str) -> None:
    """Type and run; until `wanted` (a selector) is in the output of that cell."""
    from selenium.webdriver.common.keys import Keys

    last_cell(browser, text)
    number = browser.script("return jupyterapp.shell.currentWidget.content.activeCellIndex")
    browser.press(Keys.ESCAPE)
    browser.script("return jupyterapp.commands.execute('notebook:run-cell-and-insert-below')")
    found = "const cell = document.querySelectorAll('.jp-CodeCell')[arguments[0]]; const found = cell?.querySelector(arguments[1]); found?.scrollIntoView({block: 'center'}); return !!found"
    browser.until(lambda: browser.script(found, number, wanted), f"{wanted} after {text}")


def test_lab_says_once_where_to_look(lab: Browser) -> None:
    """After a failure that a person sees, one quiet line."""
    lab.until(lambda: "%agentlog context shows the values behind this error" in outputs(lab, 3), "the line after the failure")
    lab.picture("lab-failure")


def test_lab_completes_by_tab(lab: Browser) -> None:
    """Tab after %agentlog offers the commands, and after a dash the options."""
    from selenium.webdriver.common.keys import Keys

    last_cell(lab, "%agentlog timel")
    lab.press(Keys.TAB)
    offered = "return [...document.querySelectorAll('.jp-Completer-item')].map((item) => item.textContent)"
    lab.until(lambda: ["timeline" in item for item in lab.script(offered)] == [True], "the only completion")
    lab.press(Keys.ENTER)
    lab.until(lambda: source_of_last(lab) == "%agentlog timeline", "the completion in the cell")
    last_cell(lab, "%agentlog s")
    lab.press(Keys.TAB)
    lab.until(lambda: any("sessions" in item for item in lab.script(offered)), "a list of completions")
    assert any("status" in item for item in lab.script(offered))
    lab.picture("lab-tab")
    lab.press(Keys.ESCAPE)


DISPLAYS = (
    ("%agentlog context", "failure"), ("%agentlog diff 2 3", "First divergence"), ("%agentlog history", "KeyError"), ("%agentlog timeline", "+prices"),
    ("%agentlog why total", "made"), ("%agentlog show 4", "KeyError"), ("%agentlog sessions", "this one"),
)  # fmt: skip


@pytest.mark.parametrize(("command", "said"), DISPLAYS, ids=[command.split()[1] for command, _ in DISPLAYS])
def test_lab_displays(lab: Browser, command: str, said: str) -> None:
    """Each display says what it should, unfolds by keyboard, follows the theme of the front end, and is accessible in both."""
    lab.look()
    run_last(lab, command, ".agentlog")
    here = "const all = document.querySelectorAll('.jp-OutputArea-output > .agentlog, .jp-RenderedHTMLCommon > .agentlog'); return all[all.length - 1]"
    lab.script(
        f"document.querySelectorAll('[data-shown]').forEach((old) => old.removeAttribute('data-shown')); const it = (() => {{ {here} }})(); it.setAttribute('data-shown', '')"
    )
    assert said in lab.script("return document.querySelector('[data-shown]').textContent")
    unfold(lab)
    colours = []
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        lab.script("return jupyterapp.commands.execute('apputils:change-theme', {theme: arguments[0]})", theme)
        lab.until(lambda theme=theme: lab.script("return document.body.dataset.jpThemeName") == theme, theme)  # type: ignore[misc]
        lab.until(lambda: not lab.script("return document.getElementById('jupyterlab-splash')"), "the end of the splash screen")
        colours.append(
            lab.script("return getComputedStyle(document.querySelector('[data-shown]')).getPropertyValue('--al-link')")
        )
        lab.script("document.querySelector('[data-shown]').scrollIntoView({block: 'start'})")
        lab.picture(f"lab-{command.split()[1]}-{theme.split()[1].lower()}")
        lab.accessible("[data-shown]")
    assert colours[0] != colours[1]
    lab.look(width=390, height=800)
    wide = "const it = document.querySelector('[data-shown]'); return it.scrollWidth - it.clientWidth"
    lab.script("document.querySelector('[data-shown]').scrollIntoView({block: 'start'})")
    lab.picture(f"lab-{command.split()[1]}-phone")
    assert lab.script(wide) <= 1
    lab.look()


def unfold(lab: Browser) -> None:
    """The last folded part opens with the keyboard."""
    from selenium.webdriver.common.keys import Keys

    closed = "return [...document.querySelectorAll('[data-shown] details:not([open]) > summary')].length"
    before = lab.script(closed)
    if before:
        lab.script(
            "const all = document.querySelectorAll('[data-shown] details:not([open]) > summary'); all[all.length - 1].focus()"
        )
        lab.press(Keys.SPACE)
        lab.until(lambda: lab.script(closed) == before - 1, "a part that unfolds")
