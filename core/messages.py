"""The values that pass between the platforms, the bot and its services. Frozen; nothing of a platform's own in them."""

from dataclasses import dataclass, field
from enum import StrEnum

from core.audience import EVERYONE, Audience


class Outcome(StrEnum):
    """How a question ended; see the words in the design."""

    ANSWERED = "answered"
    EXTRACTIVE = "extractive"
    ABSTAINED = "abstained"
    REFUSED = "refused"
    FAILED = "failed"


class Arm(StrEnum):
    """One way of answering."""

    BASE = "base"
    VOICE = "voice"
    RAG = "rag"
    FINETUNED = "finetuned"
    HYBRID = "hybrid"
    RAFT = "raft"

    @property
    def retrieves(self) -> bool:
        """Whether this arm reads the documents."""
        return self in (Arm.RAG, Arm.HYBRID, Arm.RAFT)

    @property
    def tuned(self) -> bool:
        """Whether this arm needs an adapter."""
        return self in (Arm.FINETUNED, Arm.HYBRID, Arm.RAFT)


class Mode(StrEnum):
    """Who wrote the text of an answer: the model, the model behind the guard, or the documents themselves."""

    MODEL = "model"
    GUARDED = "guarded"
    EXTRACTIVE = "extractive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One thing said in a conversation; `who` is `user`, `bot`, or `summary` for what came before the others.

    `meant` is a user's question as it was understood, empty where it stood alone.
    """

    who: str
    text: str
    meant: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a person asked, whatever the platform.

    `workspace`: `local`, `slack/TEAM`, `discord/GUILD`. `user` and `conversation` carry their origin
    (`slack/T1/U3`, `slack/T1/C2/1699.01`); an empty conversation has no memory. `arm` None is the best that is live;
    `plain` leaves the brand voice out of it.
    """

    text: str
    workspace: str = "local"
    audience: Audience = EVERYONE
    user: str = ""
    conversation: str = ""
    arm: Arm | None = None
    cached: bool = True
    plain: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A chunk as found for a question, best first.

    `score` is the fused score (unitless, comparable within one search only), `cosine` in [-1, 1] is the one scale
    the gate reads; None when the query could not be embedded. `path` is the headings above the text, outermost first.
    """

    chunk: str
    document: str
    title: str
    url: str
    text: str
    score: float
    cosine: float | None
    revision: int = 1
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """What `[n]` in an answer resolves to: a passage that stood in the prompt or was quoted."""

    n: int
    title: str
    url: str
    document: str
    chunk: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """Seconds, each from its stage's start; None where the stage did not run. `first_*` count from the question."""

    recall: float | None = None
    cache: float | None = None
    retrieve: float | None = None
    first_token: float | None = None
    first_shown: float | None = None
    generate: float | None = None
    total: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the bot says, with its outcome, its sources, and what it says about itself (`notes`: one sentence each)."""

    text: str
    outcome: Outcome
    citations: tuple[Citation, ...] = ()
    cached: bool = False
    arm: Arm = Arm.RAG
    model: str | None = None
    adapter: str | None = None
    mode: Mode = Mode.EXTRACTIVE
    language: str = "en"
    understood: str | None = None
    notes: tuple[str, ...] = ()
    nearest: tuple[Citation, ...] = ()
    timings: Timings = field(default_factory=Timings)


@dataclass(frozen=True, slots=True)
class Status:
    """A stage began: `recalling`, `searching`, `writing`."""

    stage: str


@dataclass(frozen=True, slots=True)
class Piece:
    """Complete sentences that passed every check, in order; what is shown is their concatenation."""

    text: str


@dataclass(frozen=True, slots=True)
class Done:
    """The end: the whole answer. Its text wins over the pieces shown before."""

    answer: Answer


Event = Status | Piece | Done
