"""Every screen in a real browser: no console error, no failed request, nothing foreign, no serious fault of accessibility."""

import json
import os
import pathlib
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from flask import Flask
from playwright.sync_api import Browser, Page

from tests.browser.conftest import UPLOAD, Watched
from tests.servers.gunicorn import Mailkeep

SCREENS = {
    "list": "/mails/list/",
    "search": "/mails/list/?score.ge=5&sender.contains=e",
    "nothing": "/mails/list/?q=nobody@nowhere.example",
    "mistake": "/mails/list/?score.ge=many",
    "statistics": "/mails/statistics",
    "mail": "/mails/show/{mail}",
    "message": "/mails/{mail}/message",
    "source": "/mails/{mail}/source",
    "symbols": "/mails/symbols/{mail}",
    "related": "/mails/related/{mail}",
    "reason": "/mails/{mail}/reason",
    "releases": "/mails/{mail}/releases",
    "sums": "/statistics/",
    "sums-of-a-year": "/statistics/?stretch=12m",
    "sums-of-a-day": "/statistics/?stretch=24h&node=mx-a",
    "no-sums": "/statistics/?domain=nowhere.example",
    "sums-mistake": "/statistics/?from=soon",
    "requests": "/requests/",
    "decided-requests": "/requests/?state=decided",
    "own-requests": "/requests/own",
    "rescans": "/mails/{mail}/rescans",
    "timeline": "/mails/{mail}/timeline",
    "runs": "/bulk/",
    "run": "/bulk/901",
    "quarantine": "/quarantine/",
    "audit": "/audit/",
    "found-events": "/audit/?who=admin&text=password&from=2026-01-31",
    "audit-mistake": "/audit/?from=soon",
    "letters": "/notices/",
    "failed-letters": "/notices/?state=failed",
    "no-letters": "/notices/?address=nobody@nowhere.example",
    "letter": "/notices/4",
    "letter-domains": "/notices/domains/",
    "letter-domain": "/notices/domains/rule?domain=example.com",
    "letter-refusals": "/notices/refusals/",
    "maps": "/lists/",
    "found-entries": "/lists/find?q=example",
    "own-lists": "/lists/own",
    "map": "/lists/mail_from_blacklist",
    "empty-map": "/lists/mail_from_whitelist",
    "new-entry": "/lists/subject_patterns/new",
    "new-pair": "/lists/mime_from_rcpt_to_whitelist/new",
    "entry": "/lists/mail_from_blacklist/entries/1",
    "import": "/lists/mail_from_blacklist/import",
    "review": "/lists/subject_patterns/import/{upload}",
    "history": "/lists/mail_from_blacklist/history",
    "revision": "/lists/mail_from_blacklist/history/1",
    "entries-then": "/lists/mail_from_blacklist/history/1/entries",
    "compare": "/lists/mail_from_blacklist/compare?from=0&to=1",
    "conflicts": "/lists/conflicts",
    "conflicts-of-one": "/lists/ip_blacklist/conflicts",
    "fetched": "/lists/fetched",
    "try": "/lists/mail_from_blacklist/try?value=example.com",
    "try-all": "/lists/mail_from_blacklist/try?all=1",
    "new-map": "/map-settings/new",
    "map-settings": "/map-settings/subject_patterns",
    "ready-made-map": "/map-settings/ip_blacklist",
    "copy-map": "/map-settings/ip_blacklist/copy",
    "people": "/people/",
    "found-people": "/people/?q=admin",
    "person": "/people/1",
    "new-person": "/people/new",
    "domains": "/domains/",
    "holds": "/holds/",
    "nodes": "/nodes/",
    "nodes-now": "/nodes/states",
    "node": "/nodes/2",
    "new-node": "/nodes/new",
    "jobs": "/jobs/",
    "job": "/jobs/geoip@mx2",
    "job-run": "/jobs/geoip@mx2/runs/901",
    "letter-words": "/notices/words/",
    "letter-words-of": "/notices/words/digest/en",
    "rspamd": "/rspamd/",
    "roles": "/roles/list/",
    "role": "/roles/show/1",
    "add-role": "/roles/add",
    "edit-role": "/roles/edit/99",
    "profile": "/profile/",
    "sessions": "/sessions/",
    "forgotten": "/password/forgotten",
    "ended-link": "/password/choose?link=reset.1.1.0",
    "letter-no-link": "/notice?link=x",
    "letters-no-link": "/notice/unsubscribe?link=x",
    "keys": "/keys/",
    "second-factor": "/second-factor/",
    "new-password": "/new-password/",
    "missing": "/mails/show/1",
}
ERRORS = {
    "mistake": "400",
    "audit-mistake": "400",
    "sums-mistake": "400",
    "missing": "404",
    "ended-link": "410",
    "letter-no-link": "404",
    "letters-no-link": "404",
}
# Answers of GET that are no screens: files, pieces of screens, redirects, what machines ask for, and what only a POST does.
NO_SCREENS = {
    *(
        "static",
        "appbuilder.static",
        "map_feed.fetch",
        "node_api.state",
        "node_api.copy",
        "node_api.raw",
        "health.healthz",
        "health.readyz",
        "metrics.counters",
        "MailApi.get",
        "MailApi.get_list",
    ),
    *("RawApi.raw", "ReleaseApi.releases", "RequestApi.of_mail", "RequestApi.queue", "LessonApi.lessons", "LearningApi.rescans"),
    *(
        "NoticeWordsView.preview",
        "TimelineApi.timeline",
        "BulkApi.runs",
        "BulkApi.run",
        "NodesApi.nodes",
        "NoticeApi.letters",
        "NoticeChoiceApi.choice",
        "NoticeDomainApi.domains",
        "NoticeRefusalApi.refusals",
        "StatisticsApi.statistics",
        "StatisticsView.export",
    ),
    *("MailApi.statistics", "OpenApi.get", "MenuApi.get_menu_data", "Home.index", "UtilView.back"),
    *("MailLogView.find", "MailLogView.newer", "MailLogView.export", "MapExportView.export", "QuarantineView.day", "AuditView.export"),
    *("MessageView.html", "MessageView.download", "MessageView.part", "RoleView.delete", "ProviderView.begin", "ProviderView.callback"),
}
# What a dark page and a narrow one may have of their own: the whole takes seconds. (What is of no region is never serious, and a quarter of it.)
EVERYTHING: dict[str, object] = {"rules": {"region": {"enabled": False}}}
COLOURS: dict[str, object] = {"runOnly": ["color-contrast"]}
NARROW: dict[str, object] = {"runOnly": ["scrollable-region-focusable", "target-size", "label", "select-name", "link-name", "button-name"]}
SERIOUS = """async (options) => (await axe.run(document, options)).violations.filter((fault) => ['serious', 'critical'].includes(fault.impact))
    .map((fault) => `${fault.id}: ${fault.nodes[0].html.slice(0, 160)} ${(fault.nodes[0].failureSummary || '').slice(0, 200)}`)"""
# Three quarters of axe's time go into the contrast of words and what is behind them: what looks like something that was asked already,
# from itself up to the page, is not asked again. (One number for each look; whether there are words at all is a part of it.)
ALIKE = """(asked) => {
    const known = new Set(JSON.parse(asked)), fresh = new Set(), looks = new Map([[null, 7]]);
    const mixed = (before, text) => [...text].reduce((sum, sign) => (Math.imul(sum, 31) + sign.codePointAt(0)) | 0, before);
    const has_words = (each) => [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim()) || each.value || each.placeholder;
    for (const each of document.querySelectorAll('*')) {
        const style = getComputedStyle(each);
        const own = [each.tagName, each.getAttribute('class'), each.disabled || each.control?.disabled, each.ariaDisabled, each.inert, !!has_words(each), style.color,
            style.backgroundColor, style.backgroundImage, style.opacity, style.fontSize, style.fontWeight, style.display, style.visibility,
            style.position, style.overflow, style.textShadow, style.filter, style.clip, style.textIndent].join(' ');
        const look = mixed(looks.get(each.parentElement), own);
        looks.set(each, look);
        each.toggleAttribute('data-alike', known.has(look) || fresh.has(look));
        fresh.add(look);
    }
    axe.configure({rules: [{id: 'color-contrast', selector: '*:not([data-alike])'}]});
    return JSON.stringify([...fresh].filter((look) => !known.has(look)));
}"""
UNFOLD = "document.querySelectorAll('details').forEach((each) => { each.open = true; })"
# What a finger or an eye has to reach, and does not: beyond the right edge, and in nothing that scrolls.
OUT_OF_REACH = """() => [...document.querySelectorAll('input, select, textarea, button, a, label, p, h1, h2, h3, dd')].filter((each) => {
    const box = each.getBoundingClientRect();
    let around = each;
    while (around && !['auto', 'scroll'].includes(getComputedStyle(around).overflowX)) around = around.parentElement;
    return box.width && box.right > innerWidth + 1 && !around && !each.closest('.sr-only, .mk-skip');
}).map((each) => each.outerHTML.slice(0, 120))"""
_asked: set[int] = set()


def test_every_screen_there_is_is_looked_at(app: Flask) -> None:
    adapter = app.url_map.bind("localhost")
    named = {adapter.match(urlsplit(path.format(mail=7, upload="x")).path)[0] for path in (*SCREENS.values(), "/login/", "/login/code/")}
    there = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    assert named == there - NO_SCREENS


@pytest.fixture(scope="module")
def wide(chromium: Browser, panel: Mailkeep, logged_in: dict[str, object]) -> Iterator[Watched]:
    """One page for all screens: what they share is loaded once."""
    context = chromium.new_context(storage_state=logged_in)  # type: ignore[arg-type]
    context.add_init_script(AXE_SCRIPT)  # half a megabyte: told once
    yield Watched(context.new_page(), f"http://127.0.0.1:{panel.port}").watch()
    context.close()


@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_is_sound(wide: Watched, stored_mail: str, name: str) -> None:
    wide.complaints.clear()
    wide.foreign.clear()
    wide.page.set_viewport_size({"width": 1366, "height": 900})
    wide.page.emulate_media(color_scheme="light")
    page = wide.open(SCREENS[name].format(mail=stored_mail, upload=UPLOAD))
    page.evaluate(UNFOLD)
    wide.settle()
    faults = [f"light: {fault}" for fault in serious_faults(page)]
    keep_pictures(page, name, "light")
    if list(SCREENS).index(name) % 3 == 0 or "SCREENSHOTS" in os.environ:  # of all by `make screenshots`
        page.emulate_media(color_scheme="dark")
        keep_pictures(page, name, "dark")
        faults += [f"dark: {fault}" for fault in serious_faults(page, COLOURS)]
        page.set_viewport_size({"width": 390, "height": 900})
        faults += [f"narrow: {fault}" for fault in serious_faults(page, NARROW)]
    complaints = [text for text in wide.complaints if ERRORS.get(name, "no such text") not in text]
    assert (complaints, wide.foreign, faults) == ([], [], [])


def serious_faults(page: Page, rules: dict[str, object] = EVERYTHING) -> list[str]:
    """What axe calls serious or critical, each with the first element it stands on."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    if rules != NARROW:
        _asked.update(json.loads(page.evaluate(ALIKE, json.dumps(list(_asked)))))
    found: list[str] = page.evaluate(SERIOUS, {"resultTypes": ["violations"], **rules})
    return found


def test_what_looks_like_another_is_asked_once_and_every_other_look_is(chromium: Browser) -> None:
    page = chromium.new_page()
    pale, paler, words = "color:#99a", "color:#bbc", "here it is hard to read"
    for style, around, found in ((pale, "", 1), (pale, "", 0), (paler, "", 1), (pale, "background:#ffe", 1), (pale, "background:#001", 0)):
        page.set_content(f"<html lang=en><title>t</title><main style='{around}'><p></p><p style='{style}'>{words}</p></main>")
        assert len(serious_faults(page)) == found
    page.close()


def keep_pictures(page: Page, name: str, scheme: str) -> None:
    """For `make screenshots`."""
    if folder := os.environ.get("SCREENSHOTS"):
        for width in (1366, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=pathlib.Path(folder) / f"{name}-{width}-{scheme}.png", full_page=True)
        page.set_viewport_size({"width": 1366, "height": 900})


def test_no_screen_is_wider_than_a_phone(chromium: Browser, panel: Mailkeep, logged_in: dict[str, object], stored_mail: str) -> None:
    context = chromium.new_context(storage_state=logged_in, viewport={"width": 390, "height": 800}, locale="el")  # type: ignore[arg-type]
    page = context.new_page()
    wide = {}
    for name, path in SCREENS.items():
        page.goto(f"http://127.0.0.1:{panel.port}{path.format(mail=stored_mail, upload=UPLOAD)}")
        page.evaluate(UNFOLD)
        if name == "mail":  # most of it comes afterwards
            page.wait_for_load_state("networkidle")
        beyond = page.evaluate(OUT_OF_REACH)
        if page.evaluate("document.documentElement.scrollWidth") > 390 or beyond:
            wide[name] = beyond
    page.goto("about:blank")
    page.set_content("<div style='overflow:hidden'><input style='width:600px'></div>")
    assert len(page.evaluate(OUT_OF_REACH)) == 1
    context.close()
    assert wide == {}


def test_the_login_is_sound(chromium: Browser, panel: Mailkeep) -> None:
    context = chromium.new_context()
    watched = Watched(context.new_page(), f"http://127.0.0.1:{panel.port}").watch()
    page = watched.open("/login/")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert serious_faults(page) == []
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert (watched.complaints, watched.foreign) == ([], [])
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", "wrong")
    page.press("input[name=password]", "Enter")
    page.wait_for_load_state()
    assert page.locator(".mk-note.bad, .mk-note.warn").count() == 1
    context.close()
