"""What a model is asked: which rules, and in which order things stand."""

import pytest

from core.messages import Arm
from core.prompt import write
from tests.core.passages import passage


def test_a_large_model_gets_more_rules_and_a_trained_adapter_those_it_was_trained_with() -> None:
    """Both sizes know how to decline; with an adapter size counts for nothing."""
    small, large = write(Arm.RAG, "How much?"), write(Arm.RAG, "How much?", large=True)
    assert small.messages[0] != large.messages[0]
    assert all("NO ANSWER" in asked.messages[0].content for asked in (small, large))
    assert write(Arm.RAFT, "How much?", large=True) == write(Arm.RAFT, "How much?")
    assert write(Arm.HYBRID, "How much?", large=True).messages[0] == small.messages[0]


@pytest.mark.parametrize("large", [False, True])
def test_what_never_changes_stands_first(large: bool) -> None:
    """A server that keeps what it has read reads the rules once, whatever is asked."""
    one = write(Arm.RAG, "How much?", [passage("Ten pounds.")], large=large)
    other = write(Arm.RAG, "How long?", [passage("Two weeks.", n=2)], large=large)
    assert one.messages[0] == other.messages[0]
    assert one.messages[-1] != other.messages[-1]
