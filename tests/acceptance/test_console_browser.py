"""The console in a real browser, as a person uses it: `make test-browser`.

VOCERO_SCREENSHOT=docs/console.png also takes the picture that stands in the README.
"""

import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from selenium.common.exceptions import ElementNotInteractableException, StaleElementReferenceException
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select

from tests.acceptance.conftest import Ran
from tests.fakes.console import EVIL, REAL, Running

pytestmark = pytest.mark.browser
T = TypeVar("T")
PICTURE = os.environ.get("VOCERO_SCREENSHOT", "")
MISSING = "There is no browser to test with: on Debian and Ubuntu, apt-get install chromium chromium-driver."
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-background-networking --disable-component-update "
    "--disable-sync --no-first-run --hide-scrollbars"
)
PATIENCE = 15.0  # seconds; a busy machine is slow, a broken page never gets there

# every visible text whose contrast with what is behind it is under WCAG AA, as "ratio text"
CONTRAST = """
const parse = c => { const m = c.match(/[\\d.]+/g).map(Number); return [m[0], m[1], m[2], m.length > 3 ? m[3] : 1]; };
const light = ([r, g, b]) => { const f = v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  return .2126 * f(r) + .7152 * f(g) + .0722 * f(b); };
const behind = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
  if (c[3] > .5) return c; } return [255, 255, 255, 1]; };
return [...document.querySelectorAll('body *')].filter(e => e.offsetParent
    && !e.closest('[disabled], .skip, .unseen')
    && [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())).map(e => {
  const s = getComputedStyle(e), a = light(parse(s.color)), b = light(behind(e));
  const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
  const large = parseFloat(s.fontSize) >= 24 || (parseFloat(s.fontSize) >= 18.66 && s.fontWeight >= 700);
  return ratio < (large ? 3 : 4.5) ? ratio.toFixed(2) + ' ' + e.textContent.trim() : null; }).filter(Boolean);
"""
# every visible control that a screen reader could only call "button"
NAMELESS = """
return [...document.querySelectorAll('button, input, textarea, a, [role=button]')].filter(e => e.offsetParent
  && !e.closest('[aria-hidden=true]')
  && !(e.textContent.trim() || e.getAttribute('aria-label') || e.title || e.labels?.length)).map(e => e.outerHTML);
"""


class Person:
    """What a person does with the page."""

    def __init__(self, driver: Chrome, url: str) -> None:
        self.driver, self.url = driver, url

    def until(self, look: Callable[[], T]) -> T:
        """Look until there is something, and return it."""
        end = time.monotonic() + PATIENCE
        while not (found := look()):
            assert time.monotonic() < end, (
                f"never came; the page says: {self.driver.find_element(By.TAG_NAME, 'body').text}"
            )
            time.sleep(0.03)
        return found

    def all(self, mark: str) -> list[WebElement]:
        """Return the visible elements of a mark."""
        script = 'return [...document.querySelectorAll(`[data-mark="${arguments[0]}"]`)].filter(e => e.offsetParent)'
        return list(self.driver.execute_script(script, mark))

    def see(self, mark: str) -> WebElement:
        """Return the last visible element of a mark, once there is one."""
        return self.until(lambda: self.all(mark)[-1:])[0]

    def click(self, mark: str) -> None:
        """Click an element once it is there and can be."""

        def clicked() -> bool:
            try:
                self.see(mark).click()
            except (ElementNotInteractableException, StaleElementReferenceException):
                return False
            return True

        self.until(clicked)

    def texts(self, mark: str) -> list[str]:
        """Return what the elements of a mark say, in one look."""
        script = 'return [...document.querySelectorAll(`[data-mark="${arguments[0]}"]`)].map(e => e.innerText)'
        return [str(text) for text in self.driver.execute_script(script, mark)]

    def open(self) -> None:
        """Open the page afresh and wait until it can be used."""
        self.driver.get("about:blank")
        self.driver.get(self.url)
        self.see("question")

    def write(self, mark: str, text: str) -> WebElement:
        """Type into a field."""
        self.see(mark)
        field = self.driver.find_element(By.CSS_SELECTOR, f'textarea[data-mark="{mark}"], input[data-mark="{mark}"]')
        field.send_keys(text)
        return field

    def ask(self, text: str) -> str:
        """Ask with Enter and return the outcome's words."""
        before = len(self.all("outcome"))
        self.write("question", text + Keys.ENTER)
        self.until(lambda: len(self.all("outcome")) > before)
        return self.see("outcome").text

    def fits(self) -> bool:
        """Whether nothing sticks out at the side."""
        return bool(self.driver.execute_script("return document.documentElement.scrollWidth <= window.innerWidth"))

    def look(self, width: int, height: int, scheme: str) -> None:
        """Change the window's size and the colour scheme."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def focused(self) -> str:
        """Return the mark of what has the focus."""
        return str(self.driver.execute_script("return document.activeElement.dataset.mark || ''"))


@pytest.fixture(scope="module")
def console() -> Iterator[Running]:
    """The console on the fake brain, slow enough to be watched."""
    with Running("--pause", "0.06") as console:
        yield console


@pytest.fixture(scope="module")
def person(console: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    """A headless Chromium with nothing in it."""
    browser, driver = (shutil.which(n) for n in ("chromium", "chromedriver"))
    browser = browser or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not browser or not driver:
        pytest.fail(MISSING)
    options = ChromeOptions()
    options.binary_location = browser
    for flag in (*FLAGS.split(), f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    chrome = Chrome(options=options, service=ChromeService(driver))
    try:
        someone = Person(chrome, console.url)
        someone.look(1280, 800, "light")
        yield someone
    finally:
        chrome.quit()


def test_an_answer_arrives_sentence_by_sentence_and_its_source_opens(person: Person) -> None:
    """Sentences come one after the other; a marker opens the passage with them highlighted; Escape goes back."""
    person.open()
    assert not person.see("send").is_enabled()
    person.click("example-2")
    assert person.see("outcome").text == "Don’t know"
    person.write("question", "When are refunds paid?" + Keys.ENTER)
    seen: list[int] = []
    person.until(lambda: seen.append(len(person.texts("piece"))) or len(person.all("outcome")) == 2)
    assert {1, 2} <= set(seen)
    assert person.see("outcome").text == "Answered"
    assert "They go back to the card that was used." in person.see("said").text
    person.all("cite-1")[0].click()
    assert person.see("source-title").text == "Refund policy"
    marked = [e.text for e in person.see("passage").find_elements(By.TAG_NAME, "mark")]
    assert marked[0] == "Refunds are paid within 5 working days of the tent reaching our workshop."
    assert person.focused() == "source"
    person.driver.switch_to.active_element.send_keys(Keys.ESCAPE)
    person.until(lambda: not person.all("source"))
    assert person.focused() == "cite-1"


def test_a_conversation_goes_on_after_a_reload_and_begins_anew(person: Person) -> None:
    """Shift+Enter breaks the line, Enter asks; a reload keeps what was said; New clears it."""
    person.open()
    field = person.write("question", "How long is the warranty")
    field.send_keys(Keys.SHIFT + Keys.ENTER)
    assert person.ask("on a seam?") == "Answered"
    assert person.texts("asked")[-1] == "How long is the warranty\non a seam?"
    said = len(person.texts("asked"))
    person.driver.refresh()
    person.until(lambda: len(person.texts("asked")) == said)
    assert person.ask("And on the poles?") == "Answered"
    assert "2 years" in person.texts("said")[-1]
    assert person.texts("understood")[-1].startswith("Understood as: ")
    assert person.ask("Do you deliver to the Moon?") == "Don’t know"
    person.click("anew")
    person.see("welcome")
    assert person.focused() == "question"


def test_stop_ends_an_answer(person: Person) -> None:
    """What was shown stays, marked as unfinished, and the next question works."""
    person.open()
    person.click("anew")
    person.see("welcome")
    person.write("question", "When are refunds paid, please?" + Keys.ENTER)
    person.until(lambda: person.texts("piece"))
    person.click("stop")
    person.see("stopped")
    assert person.ask("How long is the warranty on a seam?") == "Answered"


def test_documents_come_by_address_file_and_text_and_go(person: Person, tmp_path: Path) -> None:
    """Each way shows its progress and its end; a file too large is refused; a removal asks first."""
    person.open()
    person.click("view-documents")
    before = len(person.until(lambda: person.all("document")))
    person.write("address", "wrenfold.example/care" + Keys.ENTER)
    person.see("under-way")
    person.until(lambda: "Added “Caring for canvas”: 1 passage" in person.see("ended").text)
    person.click("by-file")
    pets, large = tmp_path / "pets.md", tmp_path / "large.txt"
    pets.write_text("# Pets\n\nDogs may come on Fridays.\n")
    large.write_bytes(b"x" * (20 * 1024 * 1024 + 1))
    choose = person.driver.find_element(By.CSS_SELECTOR, "input[type=file]")
    choose.send_keys(str(pets))
    person.until(lambda: "Added “Pets”: 1 passage" in person.see("ended").text)
    person.driver.find_element(By.CSS_SELECTOR, "input[type=file]").send_keys(str(large))
    person.until(lambda: "larger than 20 MB" in person.see("ended").text)
    person.click("by-text")
    person.write("title", "Parking")
    person.write("text", "Park behind the barn.")
    person.click("add-text")
    person.until(lambda: len(person.all("document")) == before + 3)
    row = next(e for e in person.all("document") if e.text.startswith("Pets"))
    row.find_element(By.CSS_SELECTOR, '[data-mark="remove"]').click()
    person.click("remove-it")
    person.until(lambda: person.texts("documents-said") == ["Removed “Pets”."])
    assert len(person.all("document")) == before + 2


def test_settings_of_a_channel_are_kept(person: Person) -> None:
    """Chosen in the browser's own controls, said to be saved, and still there after a reload; one channel's only."""
    person.open()
    person.click("view-settings")
    person.until(lambda: person.all("set-quiet"))
    Select(person.all("set-quiet")[0]).select_by_value("on")
    person.until(lambda: person.texts("settings-said") == ["Saved: quiet is on. It holds within seconds."])
    person.all("collection-general")[0].click()
    person.until(lambda: "collections is general" in person.texts("settings-said")[0])
    person.open()
    person.click("view-settings")
    person.until(lambda: person.all("set-quiet"))
    assert Select(person.all("set-quiet")[0]).first_selected_option.text == "on"
    assert person.all("collection-general")[0].is_selected()
    Select(person.all("room")[0]).select_by_visible_text("#travel (slack/T1/C2)")
    shown = "return document.querySelector('[data-mark=set-quiet]')?.value"
    person.until(lambda: person.driver.execute_script(shown) == "off")


def test_what_a_document_says_is_text_and_runs_nothing(person: Person) -> None:
    """Scripts, images and dangerous links stay what was typed, in the title, the answer and the source."""
    person.open()
    person.click("view-documents")
    person.click("by-text")
    person.write("title", f"Zebra {EVIL}")
    person.write("text", f"The zebra secret is {EVIL} ![p](https://spy.example/p.png).")
    person.click("add-text")
    person.until(lambda: "Zebra" in "".join(person.texts("ended")))
    person.click("view-ask")
    person.see("question")
    person.ask("What is the zebra secret?")
    person.click("cite-1")
    person.until(lambda: person.see("source-title").text.startswith("Zebra <img"))
    assert "<script>" in person.see("passage").text
    script = "return [window.hit, document.querySelectorAll('main img, main script, a[href^=javascript]').length]"
    assert person.driver.execute_script(script) == [None, 0]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_and_used_on_a_phone_and_on_a_desk(person: Person, scheme: str) -> None:
    """At 360 and 1280 pixels nothing sticks out, every text has AA contrast, every control a name."""
    for width, height in ((360, 740), (1280, 800)):
        person.look(width, height, scheme)
        person.open()
        person.click("anew")
        person.see("welcome")
        assert _sound(person), "welcome"
        person.ask("What does it cost to have a tent reproofed?")
        assert _sound(person), "answer"
        person.click("chip-1")
        person.see("passage")
        assert _sound(person), "source"
        person.click("close-source")
        person.click("view-documents")
        person.see("document")
        for way in ("by-address", "by-file", "by-text"):
            person.click(way)
            person.until(lambda way=way: person.see(way).get_attribute("aria-pressed") == "true")
            assert _sound(person), way
    person.look(1280, 800, "light")


def _sound(person: Person) -> bool:
    time.sleep(0.25)
    assert person.driver.execute_script(CONTRAST) == []
    assert person.driver.execute_script(NAMELESS) == []
    return person.fits()


def test_nothing_left_this_machine_and_nothing_broke(person: Person, console: Running) -> None:
    """Every request of all these tests went to the console, no error was logged, and SIGTERM ends it cleanly."""
    entries: list[dict[str, Any]] = [json.loads(e["message"])["message"] for e in person.driver.get_log("performance")]
    sent = [e["params"] for e in entries if e["method"] == "Network.requestWillBeSent"]
    asked = [p["request"]["url"] for p in sent if p["documentURL"].startswith(console.url)]
    sockets = [e["params"]["url"] for e in entries if e["method"] == "Network.webSocketCreated"]
    assert len(asked) > 10
    assert sockets
    ours = (console.url, console.url.replace("http", "ws", 1), "data:", "blob:", "about:")
    assert [url for url in (*asked, *sockets) if not url.startswith(ours)] == []
    assert [e for e in person.driver.get_log("browser") if e["level"] == "SEVERE"] == []
    code, seconds, errors = console.end(signal.SIGTERM)
    assert (code, errors) == (0, "")
    assert seconds < 3


def test_the_real_bot_answers_from_the_handbook(person: Person, vocero: Callable[..., Ran]) -> None:
    """On the real servers: an honest "I don't know", a quotation with its source; this is the README's picture."""
    assert vocero("docs", "add", "infra/handbook/documents", "--workspace", "demo", "--wait").code == 0
    with Running("--workspace", "demo", command=REAL) as console:
        person.url = console.url
        person.open()
        mildew = "My tent got mildew because I packed it wet. Does the warranty help?"
        assert person.ask(mildew) == "Quoted from the documents"
        assert person.ask("Who designed our logo?") == "Don’t know"
        person.click("cite-1")
        assert "not covered" in person.see("passage").find_element(By.TAG_NAME, "mark").text
        if PICTURE:
            time.sleep(0.5)
            assert Path(PICTURE).stat().st_size < 200_000
        code, _, errors = console.end(signal.SIGTERM)
    assert (code, errors) == (0, "")
