"""How long each call may take, in one table. Seconds unless said; what happens then stands beside each line."""

from typing import Final

INBOX_INSERT: Final = 1.0  # then: Slack events are not acknowledged, commands end in a visible error
REDIS: Final = 0.15  # then: one retry, then on without cache and memory
REDIS_RETRIES: Final = 1
POOL_WAIT: Final = 1.0  # then: shed with a reason
DATABASE_READ: Final = 2.0  # then: shed with a reason
DATABASE_WRITE: Final = 10.0  # then: a job is retried, a command says so
EMBED_QUERY: Final = 1.5  # then: full text only, said so
RERANK: Final = 1.5  # then: the order of the search, not said: it is an order all the same
REWRITE: Final = 1.5  # a follow-up by the model, where that is on; then: as the rule has it, not said
EMBED_PASSAGES: Final = 4.0  # their sentences, for the excerpts; then: by words, said so
MODEL_CONNECT: Final = 2.0  # then: the extractive answer, for this and the following three
MODEL_FIRST_TOKEN: Final = 8.0
MODEL_BETWEEN_TOKENS: Final = 5.0
MODEL_TOTAL: Final = 60.0
FETCH_TOTAL: Final = 20.0  # then: the admin is told, for this and the following two
FETCH_BYTES: Final = 20_000_000  # decoded
FETCH_REDIRECTS: Final = 5
PARSE_WALL: Final = 120.0  # then: refused with the reason, for this and the following four
PARSE_CPU: Final = 60.0
PARSE_MEMORY: Final = 1 << 30  # bytes
PARSE_PAGES: Final = 2_000
PARSE_CHARACTERS: Final = 5_000_000
OCR_WALL: Final = (
    900.0  # of a scanned document, with the extra `docling`; then refused, for this and the following three
)
OCR_CPU: Final = 1_500.0  # ten seconds a page on a busy laptop
OCR_MEMORY: Final = 6 << 30  # bytes of address space; 0.6 GiB of it in use
OCR_PAGES: Final = 100
