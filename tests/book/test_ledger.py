"""The ledger on pages: which rows, what stands in them, where their links lead, and what stops the build."""

import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

pytest.importorskip("jupyter_book")
pytest.importorskip("torch")

from twice.book import build, ledger
from twice.book.fingerprint import PACKAGE
from twice.claims import LEDGER, VERDICTS, Claim, Finding, Ledger

HERE = "https://example.org/library"
COMPUTED = [claim for claim in LEDGER if claim.compute is not None]


def double(n):
    return 2 * n


def words(html):
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


# ── what computes a number ──────────────────────────────────────────────────────────────────────────────────────


def test_a_lambda_is_its_own_text_and_a_function_a_call_of_it():
    nested = lambda: sorted([2, 1], key=lambda n: -n)
    assert ledger.source(nested).code == "sorted([2, 1], key=lambda n: -n)"
    assert ledger.source(partial(double, 3)).code == "double(3)"
    assert ledger.source(double).code == "double()"
    assert ledger.source(double).path == Path(__file__)


@pytest.mark.parametrize("claim", COMPUTED, ids=lambda claim: claim.id)
def test_a_link_leads_to_the_code_that_computes(claim):
    made = ledger.source(claim.compute)
    assert made.path.is_relative_to(PACKAGE / "claims")
    line = made.path.read_text(encoding="utf-8").splitlines()[made.line - 1]
    name = made.code.partition("(")[0]
    assert "lambda" in line or line.startswith(f"def {name}("), line


# ── a row ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_row_says_where_what_computed_verdict_why_and_by_what_code():
    claim = Claim("pooling", "x", "AD", "<3> k", "a table & its sum", "differs", partial(double, 1000), why="cut off")
    html = row_of(claim, 2000)
    assert words(html) == "a table &amp; its sum cut off double(1000) A, D &lt;3&gt; k 2,000 differs"
    assert 'data-chapter="pooling" data-document="AD" data-verdict="differs"' in html


def row_of(claim, computed, **options):
    """A row, its code standing in the library's folder for once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger, "PACKAGE", Path(__file__).parent)
        return ledger.row(Finding(claim, computed, claim.verdict), HERE, **options)


def test_a_row_links_to_its_line():
    claim = Claim("pooling", "x", "A", "2", "here", "agrees", partial(double, 1))
    place = f"{HERE}/{Path(__file__).name}#L{double.__code__.co_firstlineno}"
    assert f'<a href="{place}"><code>double(1)</code></a>' in row_of(claim, 2)


def test_a_cited_row_names_its_source_once_and_has_no_code():
    claim = Claim("start", "x", "A", "5.1", "a chart", "cited", source="A paper 2015")
    assert words(row_of(claim, None)) == "a chart A paper 2015 A 5.1 – cited"
    assert words(row_of(replace(claim, why="of A paper 2015"), None)).count("A paper 2015") == 1


def test_only_anchored_rows_can_be_linked_to():
    claim = Claim("start", "some-id", "A", "2", "here", "agrees", partial(double, 1))
    assert 'id="claim-some-id"' in row_of(claim, 2, anchored=True)
    assert "id=" not in row_of(claim, 2)


def test_parts_have_headings_where_there_are_several():
    pooling, both = LEDGER.find("pooling"), [*LEDGER.find(id="pool-8"), *LEDGER.find(id="fc-input")]
    assert 'scope="rowgroup"' not in ledger.table(pooling, HERE)
    assert re.findall(r'rowgroup">([^<]+)<', ledger.table(both, HERE)) == ["Pooling", "Fully connected layers"]


def test_the_caption_counts_the_verdicts_that_occur():
    assert ledger.counted([*LEDGER.find(id="pool-8")]) == "1 claim: agrees 1"
    found = [*LEDGER.find(id=("dropout", "thinned", "lrn"))]
    assert re.fullmatch(r"\d+ claims: agrees \d+, cited \d+", ledger.counted(found))


def test_what_differs_stands_open_above_what_agrees_and_what_is_cited():
    some = {verdict: [*LEDGER.find(verdict=verdict)][: ledger.MANY] for verdict in VERDICTS}
    mixed = ledger.folded([claim for verdict in VERDICTS for claim in some[verdict]], HERE)
    open_, agrees, rounds, cited = mixed.split("<details>")
    for verdict, place in (("differs", open_), ("agrees", agrees), ("rounds", rounds), ("cited", cited)):
        assert (
            place.count(f'data-verdict="{verdict}"') == mixed.count(f'data-verdict="{verdict}"') == len(some[verdict])
        )
    assert f"{ledger.MANY} more claims that agree<" in agrees
    assert f"{ledger.MANY} more claims that agree when rounded<" in rounds
    assert f"{ledger.MANY} more claims that can only be cited" in cited


def test_few_claims_stand_open_and_so_do_those_that_all_agree():
    agreeing, cited = ([*LEDGER.find(verdict=verdict)] for verdict in ("agrees", "cited"))
    few = [*cited[: ledger.MANY - 1], *agreeing[: ledger.MANY - 1]]
    assert ledger.folded(few, HERE) == ledger.table(few, HERE)
    assert ledger.folded(agreeing, HERE) == ledger.table(agreeing, HERE)
    both = ledger.folded([*agreeing, *cited], HERE)
    assert both.startswith(ledger.table(agreeing, HERE))
    assert ledger.folded(cited, HERE).startswith(f"<details><summary>{len(cited)} claims")


def test_the_key_counts_the_claims():
    for verdict in VERDICTS:
        assert f"({len(LEDGER.find(verdict=verdict))} claims)" in ledger.key("verdicts")
    assert ledger.key("documents").count("<dt>") == 5


# ── pages ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
def test_a_page_shows_the_rows_that_it_asks_for_and_only_such_a_page_loads_their_style(book):
    root = book(
        {
            "plain": "# Plain\n\nNothing.\n",
            "some": "# Some\n\n```{ledger} pooling\n:document: B\n:verdict: agrees\n```\n",
            "several": "# Several\n\n```{ledger}\n:id: pool-8 fc-input\n:filter:\n```\n",
        }
    )
    assert build.main(root) == 0
    plain, some, several = ((root / "_build" / "html" / f"{p}.html").read_text() for p in ("plain", "some", "several"))
    assert "ledger.css" not in plain
    assert "ledger.js" not in plain
    assert some.count("<tr data-chapter=") == 2
    assert "ledger.css" in some
    assert "<form" not in some.partition('class="ledger"')[2].partition("</table>")[0]
    assert re.findall(r'<tr id="claim-([^"]+)"', several) == ["pool-8", "fc-input"]
    assert '<form class="ledger-filter" hidden>' in several
    assert "https://github.com/us/book/blob/main/utils/twice/claims/pooling.py#L" in several


@pytest.mark.slow
@pytest.mark.parametrize(
    "directive,said",
    [
        ("```{ledger} cooking\n```", "chapter is 'cooking', expected one of start"),
        ("```{ledger}\n:verdict: wrong\n```", "verdict is 'wrong', expected one of agrees"),
        ("```{ledger} pooling\n:id: vgg\n```", "expected at least one"),
        ("```{ledger-key} parts\n```", "parts came, expected documents or verdicts"),
    ],
)
def test_a_wrong_request_fails_the_build_with_a_sentence(book, capfd, directive, said):
    assert build.main(book({"wrong": f"# Wrong\n\n{directive}\n"})) == 1
    assert said in capfd.readouterr().err


@pytest.mark.slow
def test_a_verdict_that_is_no_longer_true_fails_the_build(book, capfd, monkeypatch):
    claim = next(iter(LEDGER.find(id="pool-8")))
    monkeypatch.setattr(ledger, "LEDGER", Ledger([replace(claim, verdict="differs", why="so")]))
    ledger.finding.cache_clear()
    try:
        assert build.main(book({"wrong": "# Wrong\n\n```{ledger} pooling\n```\n"})) == 1
    finally:
        ledger.finding.cache_clear()
    assert "the verdict on pool-8 is no longer true" in capfd.readouterr().err
