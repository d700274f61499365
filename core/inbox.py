"""What a platform delivered, from acceptance to its end: a row that keeps a mention from being lost or doubled."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

LEASE: Final = 15.0  # seconds a process may be silent before another takes its work over
BEAT: Final = LEASE / 3  # seconds between two signs of life
KEEP: Final = 25 * 3600.0  # seconds that an ended row refuses retries: platforms repeat for up to a day


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One delivery: `event_key` is the platform's id that retries share; `payload` must survive JSON."""

    workspace: str
    event_key: str
    conversation: str
    payload: Mapping[str, Any]

    @property
    def flow(self) -> tuple[str, str, str]:
        """Whose it is: workspace, channel, and the person the payload names as `from`."""
        channel = "/".join(self.conversation.split("/")[:3])
        return self.workspace, channel, str(self.payload.get("from") or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """An accepted arrival in our hands. `attempt` fences every write; above 1, a predecessor died and may have posted.

    `placeholder` is where its visible answer stands, empty if none was noted. `behind`: when it was taken, an earlier
    one of its conversation may have been in hand, here or elsewhere.
    """

    arrival: Arrival
    id: int
    attempt: int = 1
    placeholder: str = ""
    behind: bool = False


class Inbox(Protocol):
    """Accepts deliveries exactly once. Every method raises KnowledgeDown only."""

    async def accept(self, arrival: Arrival) -> Work | None:
        """Make the arrival durable and ours within the insert's budget; None when it was accepted before."""
        ...

    async def claim(self, work: Work, message_key: str) -> bool:
        """Claim the message that an event is about; False when another event has it, or the lease is lost."""
        ...

    async def hold(self, work: Work, placeholder: str = "") -> bool:
        """Extend the lease and note where the visible answer stands; False when the lease is lost: say nothing more."""
        ...

    async def settle(self, work: Work, state: str = "done") -> bool:
        """End the work as done, ignored or failed and empty its payload; False when the lease was lost."""
        ...

    async def release(self, work: Work) -> None:
        """Let another process take over at once."""
        ...

    async def defer(self, work: Work, seconds: float) -> None:
        """Put the work off for so long: it waits for a service, which is no fault of its own."""
        ...

    async def behind(self, work: Work, own: Collection[int]) -> bool:
        """Whether an earlier work of its conversation, none of `own`, is in hand and waits for no service."""
        ...

    async def waited(self, work: Work) -> tuple[int, float]:
        """Return how often the work was put off, and how many seconds ago it was accepted."""
        ...

    async def reap(self, platform: str, most: int) -> list[Work]:
        """Take over what expired in workspaces whose name begins with `platform`, oldest first."""
        ...
