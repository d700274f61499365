"""The model server of a measurement, on the real model."""

from pathlib import Path

import pytest

from bots.voicing import base_file
from infra.embedded.alone import serving
from infra.settings import read_settings

pytestmark = pytest.mark.slow


async def test_a_file_is_found_from_where_its_user_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server runs in another folder, so that a bare name would be looked for there."""
    (tmp_path / "ours.gguf").symlink_to(base_file(read_settings()))
    monkeypatch.chdir(tmp_path)
    async with serving(file=Path("ours.gguf")) as ends:
        assert ends.model_url
