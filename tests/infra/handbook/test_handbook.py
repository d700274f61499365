import re
from collections import Counter
from functools import cache
from pathlib import Path

import mammoth
import pypdfium2
import pytest

from infra.handbook import DEMO, HERE, VOICE, HandbookQuestion, documents, questions

QUESTIONS = questions()
ANSWERED = [q for q in QUESTIONS if q.kind in ("answerable", "follow-up")]
UNANSWERABLE = [q for q in QUESTIONS if q.kind in ("off-topic", "near-miss")]
FRAME = {
    "en": ("Kettle's on! ", " Pegs in, lantern lit."),
    "es": ("¡La tetera ya silba! ", " Piquetas firmes, farol encendido."),
}


def name(question: HandbookQuestion) -> str:
    return question.id


@cache
def text(file: str) -> str:
    """The words of a document on one line: tags dropped, white space folded."""
    path = next(path for path in documents() if path.name == file)
    return " ".join(re.sub(r"<[^>]+>", " ", raw(path)).split())


def raw(path: Path) -> str:
    if path.suffix == ".pdf":
        with pypdfium2.PdfDocument(path) as pdf:
            return "\n".join(page.get_textpage().get_text_bounded() for page in pdf)
    if path.suffix == ".docx":
        with path.open("rb") as file:
            return str(mammoth.convert_to_html(file).value)
    return path.read_text(encoding="utf-8")


def test_the_handbook_holds_every_kind_of_file() -> None:
    """Readers meet Markdown, HTML, one PDF and one Word document."""
    kinds = Counter(path.suffix for path in documents())
    assert kinds == {".md": 19, ".html": 6, ".pdf": 1, ".docx": 1}


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.name)
def test_a_document_is_short_and_has_a_title(path: Path) -> None:
    """A document is 120 to 500 words long and opens with its title."""
    assert 120 <= len(text(path.name).split()) <= 500
    first = {".md": r"# \S", ".html": r"(?s).*<h1>", ".docx": "<h1>", ".pdf": r"[A-Z][a-z ]+\s"}
    assert re.match(first[path.suffix], raw(path))


def test_there_are_enough_questions_of_each_kind_and_language() -> None:
    """Each kind has its least number of questions, in English and in Spanish."""
    kinds = Counter[str](q.kind for q in QUESTIONS)
    spanish = Counter[str](q.kind for q in QUESTIONS if q.language == "es")
    least = {"answerable": 56, "follow-up": 10, "off-topic": 10, "near-miss": 16}
    least_spanish = {"answerable": 10, "follow-up": 1, "off-topic": 1, "near-miss": 2}
    assert all(kinds[kind] >= n for kind, n in least.items())
    assert all(spanish[kind] >= n for kind, n in least_spanish.items())


def test_no_two_questions_are_the_same() -> None:
    """Ids are unique and in order, and nothing is asked twice."""
    ids = [q.id for q in QUESTIONS]
    assert ids == sorted(set(ids))
    assert len({(q.question, q.standalone) for q in QUESTIONS}) == len(QUESTIONS)


def test_every_document_answers_a_question() -> None:
    """No document is dead weight, and no question names a missing one."""
    assert {q.document for q in ANSWERED} == {path.name for path in documents()}


@pytest.mark.parametrize("question", ANSWERED, ids=name)
def test_the_facts_stand_in_the_document(question: HandbookQuestion) -> None:
    """Every fact has a spelling that is in the document, as whole words, and one in the answer."""
    assert question.document
    assert question.facts
    words = text(question.document)
    for spellings in question.facts:
        assert any(re.search(rf"(?i)(?<!\w){re.escape(s)}(?!\w)", words) for s in spellings)
        assert any(s.casefold() in question.answer.casefold() for s in spellings)


@pytest.mark.parametrize("question", ANSWERED, ids=name)
def test_every_sentence_of_an_answer_cites_its_source(question: HandbookQuestion) -> None:
    """Between greeting and farewell no sentence stands without a citation."""
    greeting, farewell = FRAME[question.language]
    middle = question.answer.removeprefix(greeting).removesuffix(farewell)
    assert all(sentence.endswith("[1].") for sentence in re.split(r"(?<=\.) (?=[A-ZÁÉÍÓÚ])", middle))


@pytest.mark.parametrize("question", UNANSWERABLE, ids=name)
def test_an_unanswerable_question_names_nothing(question: HandbookQuestion) -> None:
    """Off-topic and near-miss rows have no document, no facts and an answer without citation."""
    assert question.document is None
    assert not question.facts
    assert "[1]" not in question.answer
    assert re.search(r"handbook does not say|manual no dice", question.answer)


@pytest.mark.parametrize("question", QUESTIONS, ids=name)
def test_an_answer_is_in_the_brand_voice(question: HandbookQuestion) -> None:
    """Greeting and farewell are those that the description of the voice asks for."""
    greeting, farewell = FRAME[question.language]
    assert question.answer.startswith(greeting)
    assert question.answer.endswith(farewell)
    assert all(phrase.strip() in VOICE for phrase in (greeting, farewell))


@pytest.mark.parametrize("question", QUESTIONS, ids=name)
def test_only_a_follow_up_has_a_history(question: HandbookQuestion) -> None:
    """A follow-up carries the turns before it and the question that was meant."""
    follow_up = question.kind == "follow-up"
    assert bool(question.history) == bool(question.standalone) == follow_up
    assert all(speaker in ("user", "bot") for speaker, _ in question.history)


def test_the_superseded_policy_says_so_at_its_top() -> None:
    """The old leave policy names the day since when it no longer counts, before anything else."""
    top = text("leave-policy-2022.md")[:200]
    assert "superseded since 1 March 2026" in top
    assert [path.name for path in documents() if "superseded since" in text(path.name)] == ["leave-policy-2022.md"]


def test_the_demo_shows_two_answers_and_one_refusal() -> None:
    """Two demo questions rest on Markdown; the third shares no word of note with any document."""
    first, second, third = (next(q for q in QUESTIONS if q.id == wanted) for wanted in DEMO)
    assert all(q.language == "en" and str(q.document).endswith(".md") for q in (first, second))
    assert third.document is None
    assert third.question == "Who designed our logo?"
    everything = " ".join(text(path.name) for path in documents())
    assert not re.search(r"(?i)\b(design|logo)", everything)


def test_the_rebuilt_files_give_away_nothing_about_the_machine() -> None:
    """The PDF names the company as its author, and the Word document holds real headings."""
    pdf = next(path for path in documents() if path.suffix == ".pdf")
    with pypdfium2.PdfDocument(pdf) as opened:
        about = opened.get_metadata_dict()
    assert about["Author"] == about["Creator"] == "Wrenfold Canvas"
    docx = next(path for path in documents() if path.suffix == ".docx")
    assert raw(docx).count("<h2>") == 6


@pytest.mark.parametrize("built", ["hire-terms.pdf", "repair-service.docx"])
def test_the_rebuilt_files_say_what_their_sources_say(built: str) -> None:
    """Every line and every table cell of the Markdown source is in the file made from it."""
    source = (HERE / "sources" / built).with_suffix(".md").read_text(encoding="utf-8")
    for line in source.splitlines():
        for cell in re.sub(r"^(#+|-|\d+\.|\|) |[|-]+$", "", line).split("|"):
            assert cell.strip(" -") in text(built)
