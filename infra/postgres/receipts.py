"""The receipts of forgettings: ids and numbers, kept until it can be said when the bytes left the files."""

import json
from dataclasses import asdict
from typing import Any

from core.documents import Receipt
from core.errors import UnknownError
from core.forgetting import BYTES
from infra.postgres.documents import to_sha, workspace_id
from infra.postgres.pool import Connection

_FIND = """
    select body, forgotten, wiped from vocero.receipt
    where workspace = %s and kind = %s and object_sha = %s order by id desc limit 1
"""


async def open_one(connection: Connection, workspace: int, kind: str, name: str) -> None:
    """Note that something is being forgotten, in the transaction that does: from now on its bytes are due."""
    await connection.execute(
        "insert into vocero.receipt (workspace, kind, object_sha) values (%s, %s, %s)",
        (workspace, kind, to_sha(name)),
    )


async def file(connection: Connection, receipt: Receipt) -> None:
    """Keep what the receipt says, but for the id, which may be a person's."""
    body = {key: value for key, value in asdict(receipt).items() if key in ("gone", "pending", "unprovable", "probes")}
    number = await workspace_id(connection, receipt.workspace)
    mine = (number, receipt.kind, to_sha(receipt.id))
    await connection.execute(
        "update vocero.receipt set body = %s where workspace = %s and kind = %s and object_sha = %s and body = '{}'",
        (json.dumps(body), *mine),
    )


async def find(connection: Connection, workspace: str, kind: str, name: str) -> Receipt:
    """Return the last receipt of what had this id. UnknownError."""
    number = await workspace_id(connection, workspace)
    row = await (await connection.execute(_FIND, (number, kind, to_sha(name)))).fetchone()
    if row is None:
        raise UnknownError(f"No {kind} {name[:80]!r} was forgotten here: name it by the id that its receipt has.")
    body: dict[str, Any] = row[0]
    return Receipt(
        kind=kind,
        id=name,
        workspace=workspace,
        when=row[1],
        gone=tuple((what, n) for what, n in body.get("gone", ())),
        pending=tuple(what for what in body.get("pending", ()) if not (row[2] and what == BYTES)),
        unprovable=tuple(body.get("unprovable", ())),
        probes=tuple((mark, before, after) for mark, before, after in body.get("probes", ())),
        wiped=row[2],
    )
