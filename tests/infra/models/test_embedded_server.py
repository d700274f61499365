"""The client against the real llama.cpp server, as the embedded stack runs it."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.errors import ModelDown
from infra.embedded import Wanted, join, stop
from infra.models.failures import ModelFailure
from infra.models.tgi import TgiSpeaker
from infra.models.wire import ask
from tests.infra.models.conftest import KEY, PATIENT, prompt

pytestmark = pytest.mark.slow


@pytest.fixture
def speaker(llamacpp: str) -> TgiSpeaker:
    """A client that finds out by itself what it talks to."""
    return TgiSpeaker([llamacpp], token=KEY, budgets=PATIENT)


async def said(deltas: AsyncIterator[str]) -> str:
    """All of an answer."""
    return "".join([delta async for delta in deltas])


async def busy(url: str) -> bool:
    """Whether any slot of the server generates."""
    return any(slot["is_processing"] for slot in await ask(f"{url}/slots", token=KEY, connect=5))


async def voice(speaker: TgiSpeaker, adapter: str | None, tokens: int = 8) -> str:
    """What the model says in one voice."""
    async with speaker.speak(prompt("Tell me about the sea."), adapter=adapter, max_tokens=tokens) as deltas:
        return await said(deltas)


async def test_it_speaks_and_says_what_it_is(speaker: TgiSpeaker):
    """The embedded server streams an answer, is healthy, and is called by its model's name, not by a path."""
    assert len(await voice(speaker, None)) > 10
    assert await speaker.health() is None
    assert speaker.name == "SmolLM2-135M-Instruct.Q4_1"


async def test_the_embedded_stack_serves_it(tmp_path: Path):
    """What `join` hands out is all the client needs, and calls the model by the name that people see."""
    async with join(tmp_path, Wanted(model=True)) as ends:
        assert ends.model_url
        speaker = TgiSpeaker([ends.model_url], model=ends.model_name, token=ends.model_token, budgets=PATIENT)
        assert await voice(speaker, None)
        assert speaker.name == ends.model_name
    assert await stop(tmp_path)


async def test_leaving_the_block_stops_the_generation(speaker: TgiSpeaker, llamacpp: str):
    """After a `break` the real server's slot is free again, long before the answer would have ended."""
    async with speaker.speak(prompt("Count from one to a thousand."), max_tokens=900) as deltas:
        async for _ in deltas:
            break
        assert await busy(llamacpp)
    for _ in range(60):
        await asyncio.sleep(0.05)
        if not await busy(llamacpp):
            break
    else:
        pytest.fail("the slot was still taken after three seconds")


async def test_a_stop_sequence_ends_the_answer(speaker: TgiSpeaker):
    """A stop sequence ends the answer before it, beyond the four that servers take."""
    stops = ("@1", "@2", "@3", "@4", "e")
    async with speaker.speak(prompt("Count from one to ten in words.", *stops), max_tokens=60) as deltas:
        assert "e" not in await said(deltas)


async def test_a_voice_is_its_own_and_the_base_has_none(speaker: TgiSpeaker, llamacpp: str):
    """Each adapter answers otherwise than the other and the base; loaded ones, on by default, never colour the base."""
    messages = [{"role": "system", "content": "You are terse."}, {"role": "user", "content": "Tell me about the sea."}]
    body = {"model": "x", "messages": messages, "max_tokens": 8, "temperature": 0}
    left_to_itself = await ask(f"{llamacpp}/v1/chat/completions", token=KEY, connect=5, body=body)
    base, pirate, robot = [await voice(speaker, adapter) for adapter in (None, "pirate", "robot")]
    assert len({base, pirate, robot, left_to_itself["choices"][0]["message"]["content"]}) == 4


async def test_an_unknown_voice_is_refused(speaker: TgiSpeaker):
    """An adapter that the server has not loaded ends in an error; by itself llama.cpp would answer as the base."""
    with pytest.raises(ModelFailure, match="voice") as caught:
        await voice(speaker, "butler")
    assert caught.value.kind == "rejected"
    assert await speaker.adapter_is_live("pirate")
    assert not await speaker.adapter_is_live("butler")


async def test_a_schema_reaches_the_server_and_holds(speaker: TgiSpeaker):
    """An answer asked for in a JSON schema comes in it; the hub client's own field would be ignored without a word."""
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
    schema |= {"additionalProperties": False}
    async with speaker.speak(prompt("Is the sea wet?"), max_tokens=40, schema=schema) as deltas:
        assert isinstance(json.loads(await said(deltas))["ok"], bool)


async def test_too_long_a_prompt_is_told_apart(speaker: TgiSpeaker):
    """A prompt beyond the context is not retried and says so."""
    with pytest.raises(ModelFailure, match="too long") as caught:
        async with speaker.speak(prompt("word " * 5000), max_tokens=10):
            pass
    assert caught.value.kind == "too_long"


async def test_a_wrong_token_is_told_apart(llamacpp: str):
    """A server that does not take our token is named so, in `speak` and in `health`."""
    speaker = TgiSpeaker([llamacpp], token="wrong")
    with pytest.raises(ModelDown, match="token"):
        await voice(speaker, None)
    assert "token" in (await speaker.health() or "")


async def test_odd_text_arrives(speaker: TgiSpeaker):
    """Emoji, right-to-left text, NUL and half a surrogate pair are asked without an error."""
    async with speaker.speak(prompt("\ud83d שלום 🌊 \0 '; drop"), max_tokens=4) as deltas:
        await said(deltas)
