"""How a text becomes words: the workspace's language, and pairs of characters where a script has no spaces."""

import pytest

from infra.postgres.pool import Database


async def words(database: Database, text: str, language: str = "english") -> set[str]:
    rows = await database.fetch("select tsvector_to_array(vocero.to_words(%s::regconfig, %s))", (language, text))
    return set(rows[0][0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Refunds are being refunded", {"refund"}),
        ("東京都", {"東京", "京都"}),
        ("犬", {"犬"}),
        ("犬 と 猫", {"犬", "と", "猫"}),
        ("返金 policy はい", {"返金", "polici", "はい"}),
        ("ไทย", {"ไท", "ทย"}),
        ("환불 정책", {"환불", "정책"}),
        ("𠮷野家", {"𠮷野", "野家"}),
        ("setModelData", {"setmodeldata", "set", "model", "data"}),
        ("newHTTPServer", {"newhttpserv", "new", "http", "server"}),
        ("registry.get_named(x)", {"registry.get", "registri", "name", "x", "get"}),
        (".config/settings.json", {"config/settings.json", "config", "set", "json"}),
        ("返金 getRefund", {"返金", "getrefund", "get", "refund"}),
        ("the and of", set()),
        ("", set()),
        ("🎉", set()),
    ],
)
async def test_words_of_a_text(database: Database, text: str, expected: set[str]) -> None:
    """Stemmed where the language is known, overlapping pairs where words are not set apart, nothing invented."""
    assert await words(database, text) == expected


async def test_another_language_stems_its_own_way(database: Database) -> None:
    """A Spanish workspace finds the plural by the singular."""
    assert await words(database, "devoluciones", "spanish") == await words(database, "devolución", "spanish")


async def test_capitals_beyond_ascii_are_folded(database: Database) -> None:
    """A question in small letters finds a title in capitals."""
    assert await words(database, "ÉCOLE", "simple") == await words(database, "école", "simple")
