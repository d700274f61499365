"""Whatever goes wrong at a server ends in one sentence of the right kind, in time, or at another server."""

import asyncio
import re
import socket
from collections.abc import Iterator

import pytest

from core.errors import SetupError
from infra.models.endpoint import Budgets, to_root
from infra.models.failures import ModelFailure, from_event, from_status
from infra.models.stream import ANSWER_CHARACTERS
from infra.models.tgi import TgiSpeaker
from tests.fakes.faults import FAULTS
from tests.fakes.tgi import FakeTgi
from tests.fakes.vllm import FakeVllm
from tests.infra.models.conftest import prompt
from tests.infra.models.test_traps import heard

QUICK = Budgets(connect=0.3, first_token=0.6, between_tokens=0.4)
KINDS = {
    "overloaded": "overloaded",
    "overloaded, try later": "overloaded",
    "overloaded in stream": "overloaded",
    "invalid": "rejected",
    "invalid in stream": "rejected",
    "too long": "too_long",
    "too long in stream": "too_long",
    "generation failed": "cut",
    "generation incomplete": "cut",
    "unhealthy": "refused",
    "cut chunked": "cut",
    "cut plain": "cut",
    "closed": "cut",
    "done without finish": "cut",
    "empty": "cut",
    "not json": "garbage",
    "no utf-8": "garbage",
    "a list": "garbage",
    "a number": "garbage",
    "no choices": "garbage",
    "choices of text": "garbage",
    "content a number": "garbage",
    "too deep": "garbage",
    "a page": "garbage",
    "compressed": "garbage",
    "redirect": "rejected",
    "flood": "garbage",
    "flood of nothing": "garbage",
    "flood in one line": "garbage",
    "hangs": "timeout",
    "hangs after the headers": "timeout",
    "hangs between tokens": "timeout",
    "aborted": "cut",
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_each_bad_answer_is_told_apart(fault: str):
    """Every fault has its kind and one sentence fit for the chat, and leaves the next question working."""
    budgets = QUICK if fault.startswith("hangs") else Budgets()
    async with FakeTgi(fault=fault) as fake:
        speaker = TgiSpeaker([fake.url], budgets=budgets)
        async with asyncio.timeout(20):
            with pytest.raises(ModelFailure) as caught:
                await heard(speaker)
        assert caught.value.kind == KINDS[fault]
        assert re.fullmatch(r"The [^:/]+: [^:/]+\.", str(caught.value))
        fake.fault = ""
        assert await heard(speaker) == fake.text


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (
            '{"error":{"message":"This model\'s maximum context length is 4096 tokens.","type":"BadRequestError"}}',
            "too_long",
        ),
        ('{"object":"error","message":"maximum context length is 4096 tokens","type":"BadRequestError"}', "too_long"),
        (
            '{"error":{"type":"exceed_context_size_error","n_ctx":2048,"message":"request (3031 tokens) ..."}}',
            "too_long",
        ),
        ('{"error":"the queue is full"}', "overloaded"),
        ("<html>Bad request</html>", "rejected"),
        ("", "rejected"),
        ("[[[", "rejected"),
    ],
)
def test_error_bodies_of_all_servers_are_read(body: str, kind: str):
    """The shapes of vLLM (two of them), llama.cpp and proxies are told apart by what they say."""
    assert from_status(400, body.encode()).kind == kind


@pytest.mark.parametrize("event", [None, 3, "Model is overloaded", {"message": "Model is overloaded", "code": "429"}])
def test_in_stream_errors_of_any_shape_are_read(event: object):
    """No shape of an in-stream error trips its reader."""
    assert from_event(event).kind in ("overloaded", "rejected")


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_token_is_told_apart(status: int):
    """A server that wants another token says so in words an administrator can act on."""
    assert from_status(status, b"").kind == "auth"
    async with FakeTgi(key="right") as fake:
        assert await heard(TgiSpeaker([fake.url], token=" right\n")) == fake.text
        with pytest.raises(ModelFailure, match="token"):
            await heard(TgiSpeaker([fake.url], token="wrong"))


@pytest.fixture
def deaf() -> Iterator[str]:
    """An address that takes no more connections and does not refuse them either."""
    with socket.socket() as server, socket.socket() as first, socket.socket() as second:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for client in (first, second):
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def nobody() -> str:
    """An address where nothing listens."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{server.getsockname()[1]}"


async def test_connecting_has_a_budget_of_its_own(deaf: str):
    """A host that swallows connections is given up after the connect budget, long before the first token's."""
    async with asyncio.timeout(5):
        with pytest.raises(ModelFailure) as caught:
            await heard(TgiSpeaker([deaf], budgets=Budgets(connect=0.2, first_token=60)))
    assert caught.value.kind == "timeout"


async def test_a_reader_may_take_its_time():
    """Only waiting for the server counts between tokens, not what the reader does with each."""
    async with FakeTgi() as fake:
        speaker = TgiSpeaker([fake.url], budgets=Budgets(between_tokens=0.15))
        async with speaker.speak(prompt(), max_tokens=40) as deltas:
            taken = []
            async for delta in deltas:
                taken.append(delta)
                await asyncio.sleep(0.2 if len(taken) < 3 else 0)
        assert "".join(taken) == fake.text


async def test_an_answer_has_a_total_budget():
    """Tokens that each come in time still end with the total, as an error and not as a short answer."""
    async with FakeTgi(text="word " * 100, delay=0.05) as fake:
        with pytest.raises(ModelFailure) as caught:
            await heard(TgiSpeaker([fake.url], budgets=Budgets(total=0.4)), max_tokens=100)
        assert caught.value.kind == "timeout"
        assert await fake.saw(lambda: fake.left == 1)


async def test_an_answer_without_end_is_cut_off():
    """However long a server goes on, no more is handed on than the longest answer may have."""
    async with FakeTgi(fault="flood") as fake:
        shown = 0

        async def read() -> None:
            nonlocal shown
            async with TgiSpeaker([fake.url]).speak(prompt(), max_tokens=4000) as deltas:
                async for delta in deltas:
                    shown += len(delta)

        with pytest.raises(ModelFailure):
            await read()
        assert 0 < shown <= ANSWER_CHARACTERS


async def test_it_fails_over_before_the_first_token(nobody: str):
    """With one server dead, one overloaded and one well, the question is answered and nobody notices."""
    async with FakeTgi(fault="overloaded") as busy, FakeTgi(text="Fine.") as well:
        assert await heard(TgiSpeaker([nobody, busy.url, well.url])) == "Fine."
        assert (len(busy.chats), len(well.chats)) == (1, 1)


async def test_it_never_tries_again_after_a_token():
    """Once a token was shown, a cut is an error: another server would begin another answer."""
    async with FakeTgi(fault="cut chunked") as first, FakeTgi() as second:
        with pytest.raises(ModelFailure) as caught:
            await heard(TgiSpeaker([first.url, second.url]))
        assert caught.value.kind == "cut"
        assert not second.chats


async def test_too_long_a_prompt_goes_to_one_server_only():
    """What does not fit here does not fit there: no other server is bothered."""
    async with FakeTgi(fault="too long") as first, FakeTgi() as second:
        with pytest.raises(ModelFailure, match="too long"):
            await heard(TgiSpeaker([first.url, second.url]))
        assert not second.chats


async def test_the_server_with_fewest_in_flight_is_asked():
    """Two questions at once go to two servers."""
    async with FakeTgi(delay=0.02) as one, FakeTgi(delay=0.02) as other:
        speaker = TgiSpeaker([one.url, other.url])
        await asyncio.gather(*[heard(speaker) for _ in range(6)])
        assert (len(one.chats), len(other.chats)) == (3, 3)


async def test_each_server_gets_no_more_than_its_share():
    """Beyond the limit questions wait, and all are answered."""
    async with FakeTgi(delay=0.01) as fake:
        speaker = TgiSpeaker([fake.url], concurrency=2)
        answers = await asyncio.gather(*[heard(speaker) for _ in range(7)])
        assert answers == [fake.text] * 7
        assert fake.most == 2


async def test_waiting_for_a_place_is_bounded():
    """Who finds no place within the first token's budget is told that the server is busy; it is not held against it."""
    async with FakeTgi(text="word " * 200, delay=0.02) as fake:
        speaker = TgiSpeaker([fake.url], concurrency=1, budgets=Budgets(first_token=0.3))
        async with speaker.speak(prompt(), max_tokens=200):
            for _ in range(4):
                with pytest.raises(ModelFailure, match="busy") as caught:
                    await heard(speaker)
                assert caught.value.kind == "overloaded"
        assert len(fake.chats) == 1
        fake.text = "Free."
        assert await heard(speaker) == "Free."


async def test_a_server_that_keeps_failing_is_left_alone():
    """After three failures no request reaches it for a while, and the error is immediate."""
    async with FakeTgi(fault="closed") as fake:
        speaker = TgiSpeaker([fake.url])
        for _ in range(5):
            with pytest.raises(ModelFailure):
                await heard(speaker)
        assert len(fake.chats) == 3


async def test_a_server_that_refuses_questions_is_not_broken():
    """Bad questions never shut a server off for the good ones."""
    async with FakeTgi(fault="invalid") as fake:
        speaker = TgiSpeaker([fake.url])
        for _ in range(5):
            with pytest.raises(ModelFailure):
                await heard(speaker)
        fake.fault = ""
        assert await heard(speaker) == fake.text


async def test_a_replaced_server_is_asked_what_it_is_again():
    """After a failure the same address may speak another dialect, and is understood."""
    async with FakeTgi() as fake:
        speaker = TgiSpeaker([fake.url])
        await heard(speaker)
    with pytest.raises(ModelFailure):
        await heard(speaker)
    async with FakeVllm(port=fake.port) as fake:
        assert await heard(speaker) == fake.text
        assert speaker.name == fake.model


async def test_health_names_the_server_and_the_trouble(nobody: str):
    """Health is None while any server answers, else a sentence with the address and without the password in it."""
    async with FakeTgi() as fake:
        assert await TgiSpeaker([nobody, fake.url]).health() is None
    told = await TgiSpeaker([nobody.replace("//", "//user:secret@")]).health()
    assert re.fullmatch(r"127.0.0.1:\d+: The model server cannot be reached .*", told or "")


async def test_nothing_connects_before_it_is_asked(nobody: str):
    """A client is made for a server that is not there yet, and has a name already."""
    speaker = TgiSpeaker([nobody], model="acme/model")
    assert speaker.name == "acme/model"
    await speaker.close()


async def test_plain_http_on_a_tls_address_is_a_clear_error():
    """https to a server that speaks http ends in a sentence."""
    async with FakeTgi() as fake:
        with pytest.raises(ModelFailure) as caught:
            await heard(TgiSpeaker([fake.url.replace("http:", "https:")]))
        assert caught.value.kind in ("refused", "cut")


@pytest.mark.parametrize("url", ["", "localhost:8080", "ftp://host", "http://", "tgi"])
def test_a_broken_address_is_said_at_start(url: str):
    """What is no http address is refused when the client is made."""
    with pytest.raises(SetupError, match="VOCERO_MODEL_URL"):
        TgiSpeaker([url])
    with pytest.raises(SetupError, match="VOCERO_MODEL_URL"):
        TgiSpeaker([])


@pytest.mark.parametrize("tail", ["", "/", "/v1", "/v1/", "/v1/chat/completions"])
def test_any_form_of_an_address_will_do(tail: str):
    """With or without the API's own paths, behind a prefix or not."""
    assert to_root(f" http://host:80{tail}") == "http://host:80"
    assert to_root(f"https://host/models/one{tail}") == "https://host/models/one"
