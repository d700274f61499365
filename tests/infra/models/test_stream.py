"""Stop sequences, the breaker and the proof of a voice, as pure as they are."""

from collections.abc import AsyncGenerator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.models.breaker import Breaker
from infra.models.canary import distance
from infra.models.dialect import GENERIC, LLAMACPP, TGI, VLLM, Dialect, Lora
from infra.models.failures import Fault
from infra.models.stream import until

TEXTS = st.text("abc", max_size=12)


async def each(parts: list[str]) -> AsyncGenerator[str]:
    """Yield these."""
    for part in parts:
        yield part


def before(text: str, stops: list[str]) -> str:
    """What comes before the stop sequence that is complete first, one letter at a time."""
    for end in range(len(text) + 1):
        done = [stop for stop in stops if text[:end].endswith(stop)]
        if done:
            return text[: end - max(map(len, done))]
    return text


@given(st.lists(TEXTS, max_size=6), st.lists(st.text("abc", min_size=1, max_size=4), max_size=3))
async def test_stops_hold_however_the_text_is_cut(parts: list[str], stops: list[str]):
    """The shown text depends on the whole text alone, never on how the server cut it into tokens."""
    shown = [part async for part in until(each(parts), stops)]
    assert "".join(shown) == before("".join(parts), stops)
    assert all(shown)


class Clock:
    """A clock that stands."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_breaker_opens_and_tries_with_one_request():
    """Three failures within ten seconds open it for five; then one request decides for all."""
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(3):
        assert breaker.admit()
        breaker.failed()
    assert not breaker.admit()
    clock.now += 5.1
    assert [breaker.admit(), breaker.admit()] == [True, False]
    breaker.failed()
    clock.now += 4.9
    assert not breaker.admit()
    clock.now += 0.2
    assert breaker.admit()
    breaker.succeeded()
    assert [breaker.admit(), breaker.admit()] == [True, True]


def test_the_breaker_forgets_old_failures_and_withdrawn_trials():
    """Failures far apart never open it; a trial whose asker left makes room for the next."""
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(9):
        clock.now += 6
        assert breaker.admit()
        breaker.failed()
    for _ in range(3):
        breaker.failed()
    clock.now += 6
    assert breaker.admit()
    breaker.abandoned()
    assert breaker.admit()


@pytest.mark.parametrize(
    ("other", "far"),
    [
        ([("a", {"a": -1.0, "b": -2.0})], 0.0),
        ([("a", {"a": -1.0, "b": -2.5})], 0.5),
        ([("b", {"b": -1.0, "a": -1.2})], 1.0),
        ([("x", {"x": -1.0})], float("inf")),
        ([], 0.0),
    ],
)
def test_the_distance_of_two_answers(other: list, far: float):
    """Answers are as far apart as their most moved token; nothing in common is as far as can be."""
    assert distance([("a", {"a": -1.0, "b": -2.0})], other) == pytest.approx(far)


@pytest.mark.parametrize("dialect", [TGI, VLLM, LLAMACPP, GENERIC])
def test_a_request_always_names_a_model(dialect: Dialect):
    """No dialect ever leaves `model` empty, whatever the server told of itself."""
    assert all(dialect.model(served, adapter) for served in ("", "acme/m") for adapter in (None, "voice"))


def test_all_loaded_adapters_are_named_with_their_scale():
    """llama.cpp applies what a request leaves out, so the base is asked for by naming all of them at 0."""
    loras = (Lora(0, "pirate"), Lora(1, "robot"))
    assert LLAMACPP.own_fields(None, loras, None) == {"lora": [{"id": 0, "scale": 0.0}, {"id": 1, "scale": 0.0}]}
    assert LLAMACPP.own_fields("robot", loras, None)["lora"] == [{"id": 0, "scale": 0.0}, {"id": 1, "scale": 1.0}]
    with pytest.raises(Fault, match="voice"):
        LLAMACPP.own_fields("butler", loras, None)
