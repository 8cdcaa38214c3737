"""The ledger as a reader meets it: narrowed down by keyboard, linked to, on a telephone, and without scripts."""

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LEDGER = "chapters/reference/claims.html"


def shown(page):
    """What the visible rows say of themselves."""
    rows = page.locator(".ledger tr[data-verdict]")
    return rows.evaluate_all("rows => rows.filter(r => r.getClientRects().length).map(r => ({...r.dataset}))")


def test_lists_narrow_the_table_down_by_keyboard_and_the_address_remembers(visit):
    page = visit(LEDGER)
    everything = shown(page)
    page.get_by_label("Verdict").focus()
    page.keyboard.type("dif")
    page.get_by_label("Document").focus()
    page.keyboard.press("D")
    expected = [row for row in everything if row["verdict"] == "differs" and "D" in row["document"]]
    assert 0 < len(expected) < len(everything)
    assert shown(page) == expected
    assert page.locator(".ledger output").inner_text() == f"{len(expected)} of {len(everything)} claims"
    assert page.url.endswith("?document=D&verdict=differs")
    page.reload(wait_until="load")
    assert shown(page) == expected


def test_a_part_without_rows_hides_its_heading(visit):
    page = visit(f"{LEDGER}?chapter=pooling")
    headings = page.locator(".ledger tbody th")
    assert [heading.inner_text() for heading in headings.all() if heading.is_visible()] == ["Pooling"]


def test_an_address_with_an_unknown_choice_shows_all(visit):
    assert len(shown(visit(f"{LEDGER}?verdict=wrong&x=1"))) == len(shown(visit(LEDGER)))


def test_without_scripts_all_rows_are_read_and_no_list_is_offered(visit):
    page = visit(LEDGER, java_script_enabled=False)
    assert not page.locator(".ledger-filter").is_visible()
    assert page.locator(".ledger tr[data-verdict]").last.is_visible()


def test_on_a_telephone_a_row_is_a_card_with_labels(visit):
    page = visit(LEDGER, width=390)
    row = page.locator("#claim-pool-mean")
    cells = [cell.bounding_box() for cell in row.locator("td").all()]
    assert [box["y"] for box in cells] == sorted(box["y"] for box in cells)
    assert all(box["width"] > 300 for box in cells)
    label = "cell => getComputedStyle(cell, '::before').content"
    assert row.locator("td").nth(2).evaluate(label) == '"Slides"'
