"""The words of a letter in a real browser: what is typed is shown beside it before it is kept, and nothing in it does anything."""

from tests.browser.conftest import Watched


def test_what_is_typed_is_shown_and_does_nothing(admin: Watched) -> None:
    page = admin.open("/notices/words/digest/en")
    frame = page.frame_locator("iframe[name=letter]")
    assert frame.locator("h1").inner_text() == "13 mails were held back for you"
    page.fill("#html", '<h1>Typed for {{address}}</h1><a href="{{unsubscribe_link}}">away</a>')
    page.click("text=Preview >> nth=0")
    frame.locator("text=Typed for").wait_for()
    assert page.url.endswith("/notices/words/digest/en")
    frame.locator("a").click()
    admin.settle()
    assert (frame.locator("text=Typed for").count(), len(page.context.pages)) == (1, 1)
    page.click("text=Preview of the text")
    frame.locator("pre").wait_for()
    page.fill("#html", "<script>top.location = 'https://evil.example/'</script>")
    page.locator("button", has_text="Preview").first.click()
    frame.locator(".wrong").wait_for()
    page.click("text=Save")
    admin.settle()
    assert "does not belong into a letter" in page.locator(".mk-note.bad").inner_text()
    assert [text[:15] for text in admin.complaints if "400" not in text] == ["Blocked opening"]  # the link
    assert admin.foreign == []
