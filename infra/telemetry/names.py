"""The names of spans and attributes, in one place: OpenTelemetry's GenAI names are still in development.

After the conventions of open-telemetry/semantic-conventions-genai, November 2026; what they lack begins with `vocero.`.
"""

from typing import Final

OPERATION: Final = "gen_ai.operation.name"
PROVIDER: Final = "gen_ai.provider.name"
MODEL: Final = "gen_ai.request.model"
EMBEDDED_BY: Final = "gen_ai.embeddings.dimension.count"
CONVERSATION: Final = "gen_ai.conversation.id"
DOCUMENTS: Final = "gen_ai.retrieval.documents"
ERROR: Final = "error.type"
STATUS: Final = "http.response.status_code"

PLATFORM: Final = "vocero.platform"
ATTEMPT: Final = "vocero.attempt"
STATE: Final = "vocero.state"
OUTCOME: Final = "vocero.outcome"
CACHED: Final = "vocero.cached"
ARM: Final = "vocero.arm"
MODE: Final = "vocero.mode"
ADAPTER: Final = "vocero.adapter"
DEGRADED: Final = "vocero.degraded"
TEXTS: Final = "vocero.texts"
CHARACTERS: Final = "vocero.characters"

# Only with VOCERO_TRACE_CONTENT=1.
QUERY: Final = "gen_ai.retrieval.query.text"
INPUT: Final = "gen_ai.input.messages"
OUTPUT: Final = "gen_ai.output.messages"
