"""A model server of one's own for a measurement: one question at a time and no kept prompts, so that the same questions
get the same answers; with adapters that no one has promoted yet."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from infra.embedded.credentials import Credentials
from infra.embedded.errors import EmbeddedError
from infra.embedded.home import at, prepare
from infra.embedded.keeper import PROBE_SECONDS
from infra.embedded.model import Model
from infra.embedded.process import Child
from infra.embedded.wanted import Endpoints


@asynccontextmanager
async def serving(*, file: Path | None, adapters: Sequence[Path] = (), steady: bool = True) -> AsyncIterator[Endpoints]:
    """Yield where the server answers; it ends with the block. Raises EmbeddedError, AbsentError.

    `steady` False: several questions at a time and kept prompts, for many questions whose answers need not be repeated.
    """
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="vocero-model-", ignore_cleanup_errors=True))
        home = at(Path(folder))
        prepare(home, database=False)
        model = Model(home, Credentials(home), service="model", file=file, adapters=adapters, steady=steady)
        child = await model.launch()
        stack.push_async_callback(child.stop)
        await _up(model, child)
        told = model.endpoints()
        yield Endpoints(model_url=told["model_url"], model_token=told["model_token"], model_name=told["model_name"])


async def _up(model: Model, child: Child) -> None:
    try:
        async with asyncio.timeout(model.start_seconds):
            while not await model.answers():
                if child.ended:
                    raise EmbeddedError(f"the model server ended: {child.last_words()}")
                await asyncio.sleep(PROBE_SECONDS)
    except TimeoutError as error:
        raise EmbeddedError("the model server did not start in its time") from error
