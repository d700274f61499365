"""Two model servers asked which answer is better: an opt-in beside the measured figures, and nothing rests on them."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from core import judging
from core.citations import unmarked
from core.errors import BotError, InputError
from core.judging import AGAINST, JUDGES, LEFT_OUT
from core.prompt import to_judge
from infra.models.endpoint import Budgets
from infra.models.tgi import TgiSpeaker

WORDS: Final = 8  # tokens of a verdict: one word is asked for, and "Answer A." is forgiven
PATIENT: Final = Budgets(first_token=60, between_tokens=30, total=120)  # seconds: a judge is large, and nobody waits
GIVES_UP: Final = 3  # pairs in a row without a reply, and the judge is not asked again
RUBBISH: Final = 12  # pairs in a row without a verdict in the replies
USAGE: Final = "write --judge http://server:8080=MODEL twice, for two models that are not the same."

Tell = Callable[[], None]


@dataclass(slots=True, kw_only=True)
class Judge:
    """A model that compares, and what it said so far."""

    name: str
    speaker: TgiSpeaker
    said: dict[str, dict[str, int | None]] = field(default_factory=dict)
    flipped: int = 0
    silent: int = 0  # pairs in a row without a reply
    rubbish: int = 0  # pairs in a row without a verdict
    trouble: str = ""

    async def compare(self, question: str, reference: str, mine: str, its: str) -> int | None:
        """Return whether the first is better (1), worse (-1) or neither (0), shown in both orders; None unread."""
        if self.trouble:
            return None
        try:
            one = await self._ask(question, reference, mine, its)
            other = await self._ask(question, reference, its, mine)
        except BotError as error:
            self.silent += 1
            if self.silent >= GIVES_UP:
                self.trouble = f"{self.name} was given up: {error}"
            return None
        self.silent = 0
        found, flipped = judging.settled(one, other)
        self.flipped += flipped
        self.rubbish = self.rubbish + 1 if found is None else 0
        if self.rubbish >= RUBBISH:
            self.trouble = f"{self.name} gave no verdict {RUBBISH} times in a row: take a model that answers in a word."
        return found

    async def _ask(self, question: str, reference: str, one: str, other: str) -> int | None:
        prompt = to_judge(question, reference, one, other)
        async with self.speaker.speak(prompt, max_tokens=WORDS) as deltas:
            return judging.to_choice("".join([delta async for delta in deltas]))


def to_judges(given: Sequence[str], tokens: Sequence[str] = ()) -> tuple[Judge, ...]:
    """Return the judges of `URL=MODEL` words, none of none; `tokens`: one for each, or one for both. InputError."""
    if not given:
        return ()
    named = [tuple(word.strip() for word in one.rpartition("=")[::2]) for one in given]
    different = len({model for _, model in named}) == len(named) == JUDGES
    if not different or not all(url and model for url, model in named):
        raise InputError(f"Two judges are asked or none, since one alone says nothing of itself: {USAGE}")
    if len(tokens) not in (0, 1, JUDGES):
        raise InputError("VOCERO_JUDGE_TOKENS has one token for both judges, or two with a comma between them.")
    keys = list(tokens) * JUDGES if len(tokens) == 1 else [*tokens, *[""] * (JUDGES - len(tokens))]
    return tuple(_judge(url, model, key) for (url, model), key in zip(named, keys, strict=True))


def _judge(url: str, model: str, token: str) -> Judge:
    try:
        host = urlsplit(url).netloc.rpartition("@")[2]
        speaker = TgiSpeaker([url], model=model, token=token, concurrency=1, budgets=PATIENT)
    except (BotError, ValueError) as error:
        raise InputError(f"{url!r} is no address of a judge: {USAGE}") from error
    return Judge(name=f"{model} at {host}", speaker=speaker)


def pairs_of(answers: Sequence[Mapping[str, Any]]) -> tuple[list[tuple[str, Mapping[str, Any]]], dict[str, int]]:
    """Return which arm's answer to which question is compared with RAG's, and how many an arm are RAG's own words."""
    asked: list[tuple[str, Mapping[str, Any]]] = []
    alike: dict[str, int] = {}
    for one in answers:
        for arm in one["said"]:
            if arm in (AGAINST, *LEFT_OUT):
                continue
            same = _bare(one, arm) == _bare(one, AGAINST)
            alike[arm] = alike.get(arm, 0) + same
            if not same:
                asked.append((arm, one))
    return asked, alike


def _bare(one: Mapping[str, Any], arm: str) -> str:
    """An answer's text alone: its citations would tell which arm it is of."""
    return " ".join(unmarked(one["said"][arm]["text"]).split())


async def judge(judges: Sequence[Judge], answers: Sequence[Mapping[str, Any]], seed: int, tell: Tell) -> dict[str, Any]:
    """Ask both judges about every arm against RAG; return their numbers, their agreement, and whether they can be used.

    A judge that is down or talks rubbish is a sentence in what is returned, never an error.
    """
    asked, alike = pairs_of(answers)
    try:
        await asyncio.gather(*(_all(one, asked, alike, tell) for one in judges))
    finally:
        for one in judges:
            await one.speaker.close()
    found = [
        judging.summary(one.name, one.said, alike, flipped=one.flipped, trouble=one.trouble, seed=seed)
        for one in judges
    ]
    first, second = judges
    said = judging.agreement(first.said, second.said, [one["trouble"] for one in found])
    return {"against": AGAINST, "judges": found, "agreement": said}


async def _all(
    judge_: Judge, asked: Sequence[tuple[str, Mapping[str, Any]]], alike: Mapping[str, int], tell: Tell
) -> None:
    judge_.said = {arm: {} for arm in alike}
    for arm, one in asked:
        mine, its = _bare(one, arm), _bare(one, AGAINST)
        opinion = await judge_.compare(one["question"], unmarked(one["reference"]), mine, its)
        judge_.said[arm][one["id"]] = opinion
        tell()
