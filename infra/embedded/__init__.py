"""Real servers on one laptop: PostgreSQL with pgvector, Redis and a language model from wheels, on loopback only.

`join` is all a program needs. One detached supervisor per VOCERO_HOME owns the servers, so that a second `vocero`
joins the first and none dies with another; it ends them 20 seconds after the last client left. `MiniLM` (in
`infra.embedded.minilm`) computes embeddings in the process itself. To learn the parts, read in this order:
client.py, supervisor.py, keeper.py, then one of postgres.py, redis.py, model.py.
"""

from infra.embedded.client import ignore, join, stop
from infra.embedded.errors import EmbeddedError
from infra.embedded.wanted import Endpoints, Wanted

__all__ = ["EmbeddedError", "Endpoints", "Wanted", "ignore", "join", "stop"]
