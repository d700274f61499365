"""Passages for tests of the core."""

from core.messages import Passage


def passage(
    text: str, *, n: int = 1, title: str = "Refund policy", cosine: float | None = 0.6, url: str = ""
) -> Passage:
    """Return a passage of document `d{n}`."""
    return Passage(chunk=f"c{n}", document=f"d{n}", title=title, url=url, text=text, score=1 / n, cosine=cosine)
