"""The silent traps of the hub client and of TGI: each of these fails once its protection is taken away."""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from infra.models.failures import ModelFailure
from infra.models.tgi import TgiSpeaker
from infra.models.wire import EVENTS, NO_TOKEN, HubClient
from tests.fakes.tgi import FakeTgi
from tests.fakes.vllm import FakeGeneric, FakeVllm
from tests.infra.models.conftest import prompt

SCHEMA = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}
EVERY_KIND = pytest.mark.parametrize("kind", [FakeTgi, FakeVllm, FakeGeneric])


async def heard(speaker: TgiSpeaker, question: str = "How long?", *, adapter: str | None = None, **more: object) -> str:
    """All of one answer."""
    async with speaker.speak(prompt(question), adapter=adapter, **{"max_tokens": 40, **more}) as deltas:
        return "".join([delta async for delta in deltas])


@EVERY_KIND
async def test_the_model_is_always_named_as_the_server_knows_it(kind: type[FakeTgi]):
    """Nobody gets the hub client's "dummy", which vLLM refuses and TGI takes for an adapter; TGI's base is "tgi"."""
    async with kind() as fake:
        assert await heard(TgiSpeaker([fake.url])) == fake.text
        assert fake.chats[0]["model"] == ("tgi" if kind is FakeTgi else fake.model)


async def test_the_name_that_answers_are_kept_by_stays_the_same():
    """It is known before the first answer, and a server that fails or restarts takes it from nobody."""
    async with FakeTgi() as fake:
        speaker = TgiSpeaker([fake.url])
        await speaker.introduce()
        assert speaker.name == fake.model
        fake.fault = "generation incomplete"
        with pytest.raises(ModelFailure):
            await heard(speaker)
        assert speaker.name == fake.model
    silent = TgiSpeaker(["http://127.0.0.1:1"])
    await silent.introduce()
    assert silent.name == "model"


async def test_the_configured_name_is_never_taken_for_an_adapter_by_tgi():
    """VOCERO_MODEL holding the model's real name still asks TGI for its base, since TGI would look for an adapter."""
    async with FakeTgi() as fake:
        await heard(TgiSpeaker([fake.url], model="acme/falcon-7b-instruct"))
        assert fake.chats[0]["model"] == "tgi"


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        (FakeTgi, "response_format", {"type": "json", "value": SCHEMA}),
        (FakeVllm, "structured_outputs", {"json": SCHEMA}),
    ],
)
async def test_a_schema_arrives_as_each_server_understands_it(kind: type[FakeTgi], field: str, value: object):
    """The hub client rewrites json_schema formats into TGI's; each server gets its own field, word for word."""
    async with kind() as fake:
        await heard(TgiSpeaker([fake.url]), schema=SCHEMA)
        assert fake.chats[0][field] == value


async def test_a_schema_is_refused_where_it_would_be_ignored():
    """A server of unknown kind is not asked for a form that it may not keep."""
    async with FakeGeneric() as fake:
        with pytest.raises(ModelFailure, match="form of answer"):
            await heard(TgiSpeaker([fake.url]), schema=SCHEMA)
        assert not fake.chats


@pytest.mark.parametrize("token", [None, "", "  ", "ours"])
async def test_the_machines_hf_token_goes_to_nobody(token: str | None, monkeypatch: pytest.MonkeyPatch):
    """With or without a token of our own, the Hugging Face token of the machine never leaves it."""
    monkeypatch.setenv("HF_TOKEN", "hf_machine_secret")
    async with FakeTgi() as fake:
        await heard(TgiSpeaker([fake.url], token=token))
        assert all("hf_machine_secret" not in str(one.headers) for one in fake.seen)
        chat = next(one for one in fake.seen if one.path.endswith("completions"))
        assert chat.headers["Authorization"] == f"Bearer {'ours' if token == 'ours' else NO_TOKEN}"


async def test_the_environment_decides_nothing(tmp_path: Path):
    """Proxies, HF_ENDPOINT, offline mode, debugging and a stored token change neither where we go nor what we carry."""
    (tmp_path / "token").write_text("hf_stored_secret")
    dead = "http://127.0.0.1:9"
    names = "HTTP_PROXY HTTPS_PROXY ALL_PROXY http_proxy all_proxy HF_ENDPOINT HF_INFERENCE_ENDPOINT".split()
    env = dict.fromkeys(names, dead) | {"HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1", "HF_DEBUG": "1"}
    script = """
import asyncio, sys
from core.prompt import Message, Prompt
from infra.models.tgi import TgiSpeaker
async def main():
    async with TgiSpeaker([sys.argv[1]]).speak(Prompt((Message("user", "hi"),)), max_tokens=9) as deltas:
        print("".join([delta async for delta in deltas]))
asyncio.run(main())
"""
    async with FakeTgi() as fake:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            script,
            fake.url,
            env={"PYTHONPATH": ".", **env},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, error = await child.communicate()
        assert (out.decode().strip(), error) == (fake.text, b"")
        assert all("hf_" not in one.headers.get("Authorization", "") for one in fake.seen)


async def test_the_hub_is_asked_nothing(tmp_path: Path):
    """A fresh process that asks a model looks up no name and connects to no address but the server's own."""
    script = """
import asyncio, sys
from core.prompt import Message, Prompt
from infra.models.tgi import TgiSpeaker
def hook(event, args):
    if event in ("socket.connect", "socket.getaddrinfo"):
        print(*args[-1:] if event == "socket.connect" else args[:2])
sys.addaudithook(hook)
async def main():
    async with TgiSpeaker([sys.argv[1]]).speak(Prompt((Message("user", "hi"),)), max_tokens=9) as deltas:
        "".join([delta async for delta in deltas])
asyncio.run(main())
"""
    async with FakeTgi() as fake:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", script, fake.url),
            env={"PYTHONPATH": ".", "HF_HOME": str(tmp_path)},
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await child.communicate()
    reached = out.decode().splitlines()
    assert reached
    assert [line for line in reached if "127.0.0.1" not in line] == []


async def test_a_redirect_is_not_followed():
    """A server cannot send our passages to another host: the hub client by itself would repeat the request there."""
    async with FakeTgi(fault="redirect") as fake:
        with pytest.raises(ModelFailure, match="another address") as caught:
            await heard(TgiSpeaker([fake.url]))
        assert caught.value.kind == "rejected"
        assert not [one for one in fake.seen if one.path == "/elsewhere"]


async def leave_by_break(deltas: AsyncIterator[str]) -> None:
    """Leave the loop, then the block."""
    async for _ in deltas:
        break


async def leave_unread(deltas: AsyncIterator[str]) -> None:
    """Leave without reading at all."""


@pytest.mark.parametrize("leave", [leave_by_break, leave_unread])
async def test_leaving_the_block_stops_the_generation(leave: object):
    """The server sees us go at once; the hub client's streams outlive `break` until the client is closed."""
    async with FakeTgi(text="word " * 400, delay=0.02) as fake:
        async with TgiSpeaker([fake.url]).speak(prompt(), max_tokens=400) as deltas:
            await leave(deltas)
        assert await fake.saw(lambda: fake.left == 1)
        assert fake.open == 0


async def test_cancelling_the_task_stops_the_generation():
    """A question withdrawn while its answer runs frees the server, and the cancellation goes on to the asker."""
    async with FakeTgi(text="word " * 400, delay=0.02) as fake:
        asking = asyncio.create_task(heard(TgiSpeaker([fake.url]), max_tokens=400))
        assert await fake.saw(lambda: fake.open == 1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert await fake.saw(lambda: fake.left == 1)


async def test_many_answers_leave_nothing_open():
    """After thirty answers, half of them left early, no connection, task or generator of ours is left."""
    async with FakeTgi(text="word " * 12, delay=0.001) as fake:
        speaker = TgiSpeaker([fake.url])
        await heard(speaker)
        tasks = len(asyncio.all_tasks())
        for turn in range(30):
            async with speaker.speak(prompt(), max_tokens=50) as deltas:
                async for _ in deltas:
                    if turn % 2:
                        break
        gc.collect()
        await asyncio.sleep(0.1)
        assert fake.open == 0
        assert len(asyncio.all_tasks()) <= tasks
        assert not [one for one in gc.get_objects() if isinstance(one, HubClient)]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [("overloaded in stream", "overloaded"), ("invalid in stream", "rejected"), ("too long in stream", "too_long")],
)
async def test_an_error_inside_a_200_stream_is_an_error(fault: str, kind: str):
    """TGI reports errors of a stream inside it, under status 200 and always as 422: none passes for an answer."""
    async with FakeTgi(fault=fault) as fake:
        with pytest.raises(ModelFailure) as caught:
            await heard(TgiSpeaker([fake.url]))
        assert caught.value.kind == kind


@pytest.mark.parametrize("fault", ["cut plain", "cut chunked", "done without finish", "aborted", "empty"])
async def test_a_cut_stream_is_not_an_answer(fault: str):
    """Without a finish reason half an answer is none, even after `[DONE]` or a tidy close."""
    async with FakeTgi(fault=fault) as fake:
        with pytest.raises(ModelFailure) as caught:
            await heard(TgiSpeaker([fake.url]))
        assert caught.value.kind == "cut"


@EVERY_KIND
async def test_no_penalty_and_no_chance_is_ever_sent(kind: type[FakeTgi]):
    """Requests are greedy and bounded, and name no penalty, not even 0: TGI would add 2 to `presence_penalty`."""
    async with kind() as fake:
        await heard(TgiSpeaker([fake.url]))
        body = fake.chats[0]
        assert (body["temperature"], body["max_tokens"]) == (0, 40)
        assert set(body) == {"model", "messages", "max_tokens", "temperature", "stream"}


async def test_more_than_four_stop_sequences_still_stop():
    """TGI takes four stop sequences; a fifth is kept from it and holds all the same, also where TGI hands it out."""
    async with FakeTgi(text="One. Two. Three.") as fake:
        stops = prompt("q", "a", "b", "c", "d", "wo. T")
        async with TgiSpeaker([fake.url]).speak(stops, max_tokens=40) as deltas:
            assert "".join([delta async for delta in deltas]) == "One. T"
        assert fake.chats[0]["stop"] == ["a", "b", "c", "d"]


async def test_a_stop_sequence_leaves_the_rest_ungenerated():
    """Once a stop sequence came, the connection is closed: a server that overlooks it does not go on."""
    async with FakeTgi(text="One STOP " + "word " * 300, delay=0.01) as fake:
        async with TgiSpeaker([fake.url]).speak(prompt("q", "STOP"), max_tokens=400) as deltas:
            assert "".join([delta async for delta in deltas]) == "One "
        assert await fake.saw(lambda: fake.left == 1)


async def test_an_adapter_that_tgi_was_not_started_with_is_refused():
    """TGI answers an unknown adapter as the base and echoes its name; we prove the voice first and ask for nothing."""
    async with FakeTgi(adapters={"pirate": "Ahoy!"}, noise=0.01) as fake:
        speaker = TgiSpeaker([fake.url])
        assert await heard(speaker, adapter="pirate") == "Ahoy!"
        with pytest.raises(ModelFailure, match="voice") as caught:
            await heard(speaker, "secret question", adapter="butler")
        assert caught.value.kind == "rejected"
        assert "secret question" not in str([one for one in fake.chats if one["model"] == "butler"])
        assert await speaker.adapter_is_live("pirate")
        assert not await speaker.adapter_is_live("butler")


async def test_a_proof_is_remembered_until_the_server_fails():
    """Three short generations prove a voice once, not before every answer; a failure makes us ask again."""
    async with FakeTgi(adapters={"pirate": "Ahoy!"}) as fake:
        speaker = TgiSpeaker([fake.url])
        for _ in range(3):
            await heard(speaker, adapter="pirate")
        assert len(fake.chats) == 3 + 3
        fake.fault = "closed"
        with pytest.raises(ModelFailure):
            await heard(speaker, adapter="pirate")
        fake.fault, fake.adapters = "", {}
        with pytest.raises(ModelFailure, match="voice"):
            await heard(speaker, adapter="pirate")


async def test_a_mark_of_the_voice_can_judge_instead():
    """Those who know their voice's mark may look for it: then different words alone are no proof."""
    async with FakeTgi(adapters={"pirate": "Ahoy!", "mute": "Well."}) as fake:
        speaker = TgiSpeaker([fake.url])
        assert await speaker.adapter_is_live("pirate", lambda text: "Ahoy" in text)
        assert not await speaker.adapter_is_live("mute", lambda text: "Ahoy" in text)


@pytest.mark.parametrize("kind", [FakeVllm, FakeGeneric])
async def test_listed_adapters_are_chosen_by_name_and_others_refused(kind: type[FakeTgi]):
    """Where adapters are listed, the list decides."""
    async with kind(adapters={"pirate": "Ahoy!"}) as fake:
        speaker = TgiSpeaker([fake.url])
        assert await heard(speaker, adapter="pirate") == "Ahoy!"
        assert await heard(speaker) == fake.text
        with pytest.raises(ModelFailure, match="voice"):
            await heard(speaker, adapter="butler")
        assert [await speaker.adapter_is_live(name) for name in ("pirate", "butler")] == [True, False]


async def test_the_hub_client_still_has_the_traps():
    """The protections are still needed: by itself the client names "dummy" and reads a cut stream as complete."""
    async with FakeTgi(fault="done without finish") as fake:
        async with HubClient(fake.url, token=None, connect=2, limit=9999, expects=EVENTS) as client:
            chunks = await client.chat_completion([{"role": "user", "content": "hi"}], stream=True, max_tokens=5)
            async with aclosing(chunks):
                assert [chunk.choices[0].delta.content async for chunk in chunks] == ["Refunds"]
        assert fake.chats[0]["model"] == "dummy"
