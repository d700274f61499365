"""Tokens in and out as the server counts them, over the real client."""

from core.prompt import Message, Prompt
from infra.models.tgi import TgiSpeaker
from infra.voice.counting import Counting, Meter
from tests.fakes.tgi import FakeTgi

ASKED = Prompt((Message("system", "Be brief."), Message("user", "How long do refunds take?")))
READ = 7  # words of the prompt: the fake's tokens
TEXT = "Refunds take five working days [1]."


async def hear(counting: Counting, most: int = 99) -> None:
    """Listen to one answer, to its end or to so many deltas."""
    async with counting.speak(ASKED, max_tokens=64) as deltas:
        async for _ in deltas:
            most -= 1
            if not most:
                break


async def test_an_answer_s_tokens_are_the_server_s_count():
    """Heard to its end, the server's usage counts, and nothing is asked a second time."""
    async with FakeTgi(text=TEXT) as fake:
        meter = Meter()
        counting = Counting(TgiSpeaker([fake.url], told=meter), meter)
        await hear(counting)
        await counting.settle()
        assert (counting.read, counting.tokens) == (READ, 6)
        assert len(fake.chats) == 1
        assert fake.chats[0]["stream_options"] == {"include_usage": True}


async def test_an_answer_that_was_left_early_has_its_tokens_in_all_the_same():
    """What the bot stops listening to is asked again for one token, outside the time that counts."""
    async with FakeTgi(text=TEXT) as fake:
        meter = Meter()
        counting = Counting(TgiSpeaker([fake.url], told=meter), meter)
        await hear(counting, most=2)
        assert (counting.read, counting.tokens) == (0, 2)
        await counting.settle()
        assert (counting.read, counting.tokens) == (READ, 2)
        assert [body["max_tokens"] for body in fake.chats] == [64, 1]
        counting.fresh()
        assert (counting.read, counting.tokens) == (0, 0)


async def test_without_a_count_no_tokens_in_are_told():
    """A server that nobody asks to count leaves them unknown, and the deltas are the tokens out."""
    async with FakeTgi(text=TEXT) as fake:
        counting = Counting(TgiSpeaker([fake.url]))
        await hear(counting)
        await counting.settle()
        assert (counting.read, counting.tokens) == (None, 6)
        assert "stream_options" not in fake.chats[0]
