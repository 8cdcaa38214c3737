"""The ledger: every verdict is true, and a wrong one is found."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("typer")

from twice import claims, cli
from twice.claims import CHAPTERS, DOCUMENTS, LEDGER, VERDICTS, Claim, Ledger, check
from twice.claims.ledger import numbers_in

IDS = [claim.id for claim in LEDGER]


LONG = {"resnet-1001", "resnet-1202", "resnet-101-operations", "resnet-152-operations"}  # a second or more


@cache
def finding(id):
    return check(next(claim for claim in LEDGER if claim.id == id))


@pytest.mark.parametrize("id", [pytest.param(id, marks=[pytest.mark.slow] * (id in LONG)) for id in IDS])
def test_the_verdict_is_true(id):
    assert finding(id).verdict == finding(id).claim.verdict, f"computed {finding(id).computed}"


def test_there_are_at_least_120_rows():
    assert len(LEDGER) >= 120


def test_no_two_rows_have_the_same_id():
    assert len(set(IDS)) == len(IDS)


@pytest.mark.parametrize("claim", LEDGER.claims, ids=IDS)
def test_a_row_is_whole(claim):
    assert claim.chapter in CHAPTERS
    assert claim.documents
    assert set(claim.documents) <= set(DOCUMENTS)
    assert claim.verdict in VERDICTS
    assert claim.said
    assert claim.where
    assert claim.id == claim.id.lower()
    assert " " not in claim.id
    assert bool(claim.source) == (claim.verdict == "cited")
    assert (claim.compute is None) == (claim.verdict == "cited")
    assert claim.why or claim.verdict != "differs"


# ── reading the printed number ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "said,expected",
    [
        ("60,965,128", [(60_965_128, 1)]),
        ("138 M", [(138e6, 1e6)]),
        ("96MB", [(96e6, 1e6)]),
        ("19.4 M", [(19.4e6, 1e5)]),
        ("1.8×10^9", [(1.8e9, 1e8)]),
        ("10^12", [(10**12, 1)]),
        ("[-2.85, 0.86]", [(-2.85, 0.01), (0.86, 0.01)]),
        ("[2.7, 2.0]", [(2.7, 0.1), (2.0, 0.1)]),
        ("28x28x6", [(28, 1), (28, 1), (6, 1)]),
        ("6@14×14", [(6, 1), (14, 1), (14, 1)]),
        ("290400-186624", [(290400, 1), (186624, 1)]),
        ("[[6, 8], [3, 4]]", [(6, 1), (8, 1), (3, 1), (4, 1)]),
        ("N=6", [(6, 1)]),
        ("3.5 %", [(3.5, 0.1)]),
        ("2 layers", [(2, 1)]),
    ],
)
def test_a_printed_number_tells_its_digits(said, expected):
    assert np.allclose(numbers_in(said), expected)


def test_a_small_k_may_mean_1024():
    assert numbers_in("2.5k", kilo=1024) == [(2560, 102.4)]


# ── judging ─────────────────────────────────────────────────────────────────────────────────────────────────────


def judged(said, computed, **options):
    return check(Claim("start", "x", "A", said, "here", "agrees", lambda: computed, **options)).verdict


@pytest.mark.parametrize(
    "said,computed,verdict",
    [
        ("3.57", 3.57, "agrees"),
        ("3.6", 3.57, "rounds"),
        ("3.5", 3.57, "differs"),
        ("138 M", 138_357_544, "rounds"),
        ("137 M", 138_357_544, "differs"),
        ("[1, 2]", [1, 2], "agrees"),
        ("[1, 2]", [1, 2.4], "rounds"),
        ("[1, 2]", [1, 2, 3], "differs"),
        ("[1, 2]", [2, 1], "differs"),
        ("0.3", 0.1 + 0.2, "agrees"),
        ("3", float("nan"), "differs"),
    ],
)
def test_equal_rounded_or_different(said, computed, verdict):
    assert judged(said, computed) == verdict


def test_a_number_may_be_rounded_more_coarsely_than_it_is_printed():
    assert judged("600K", 589_824) == "differs"
    assert judged("600K", 589_824, to=1e5) == "rounds"


def test_a_number_in_words_has_a_value():
    assert judged("no layer", 0, value=0) == "agrees"
    assert judged("no layer", 1, value=0) == "differs"


@pytest.mark.parametrize("right", VERDICTS)
def test_a_wrong_verdict_is_found(right):
    claim = next(claim for claim in LEDGER if claim.chapter == "start" and claim.verdict == right)
    assert check(claim).holds
    for wrong in set(VERDICTS) - {right}:
        assert not check(replace(claim, verdict=wrong)).holds


def test_a_cited_row_without_a_source_is_found():
    claim = next(claim for claim in LEDGER if claim.verdict == "cited")
    assert not check(replace(claim, source="")).holds


# ── finding and showing ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_can_be_found(chapter):
    found = LEDGER.find(chapter=chapter)
    assert 0 < len(found) < len(LEDGER)
    assert {claim.chapter for claim in found} == {chapter}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_document_can_be_found(document):
    found = LEDGER.find(document=document)
    assert 0 < len(found) < len(LEDGER)
    assert all(document in claim.documents for claim in found)


def test_filters_combine_and_the_verdicts_add_up():
    assert sum(len(LEDGER.find(verdict=verdict)) for verdict in VERDICTS) == len(LEDGER)
    found = LEDGER.find("classic", "D", "differs", "vgg")
    assert {claim.id for claim in found} == {"vgg-16-activations", "vgg-16-memory", "vgg-16-weights-memory"}


def test_ids_may_begin_in_several_ways():
    found = {claim.id for claim in LEDGER.find(id=("pool-", "hinge"))}
    assert found == {claim.id for claim in LEDGER if claim.id.startswith("pool-")} | {"hinge"}


def test_every_claim_has_a_chapter_and_every_chapter_claims():
    assert {claim.chapter for claim in LEDGER} == set(CHAPTERS)


@pytest.mark.parametrize(
    "options,message",
    [
        ({"chapter": "cooking"}, "claims: chapter is 'cooking', expected one of start, convolution"),
        ({"document": "F"}, "document is 'F', expected one of A, B, C, D, E"),
        ({"verdict": "wrong"}, "verdict is 'wrong', expected one of agrees, rounds, differs, cited"),
    ],
)
def test_an_unknown_filter_gets_a_sentence(options, message):
    with pytest.raises(ValueError, match=message):
        LEDGER.find(**options)


def test_a_ledger_shows_itself_in_a_terminal_and_a_notebook():
    found = LEDGER.find(id="linear-softmax")
    assert "1 claims: 0 agrees, 0 rounds, 1 differs, 0 cited" in repr(found)
    assert "[0.0154" in repr(found)
    assert "<table" in found._repr_html_()
    assert "linear-softmax" in found._repr_html_()


# ── the command ─────────────────────────────────────────────────────────────────────────────────────────────────


def run(capsys, *words):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["claims", *words])
    return stopped.value.code, capsys.readouterr()


def test_the_command_prints_rows_and_counts(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "250")
    status, said = run(capsys, "--chapter", "start", "--document", "A", "--verdict", "differs")
    assert status == 0
    assert "linear-softmax" in said.out
    assert "hinge" not in said.out
    assert "1 claims: 0 agrees, 0 rounds, 1 differs, 0 cited" in said.out


def test_the_command_exits_1_where_a_verdict_no_longer_holds(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "250")
    claim = next(iter(LEDGER.find(id="linear-softmax")))
    monkeypatch.setattr(claims, "LEDGER", Ledger([replace(claim, verdict="agrees")]))
    status, said = run(capsys)
    assert status == 1
    assert "No longer true: linear-softmax" in said.out
    assert "agrees? now: differs" in said.out


def test_the_command_refuses_an_unknown_filter(capsys):
    status, said = run(capsys, "--verdict", "wrong")
    assert status == 2
    assert "expected one of" in said.err
