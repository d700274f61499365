"""The chat grammar as tables: what is a command, what stays a question, what is an error."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.audience import to_scope
from core.commands import TABLE, Ask, Command, Help, Kind, Verb, parse, to_help
from core.errors import InputError


def on(verb: Verb, document: str, **more: str) -> Command:
    """A command on a document."""
    return Command(verb=verb, kind=Kind.DOCUMENT, target=document, **more)


def url(target: str = "https://x.y/z", **more: str) -> Command:
    """An `add` of an address."""
    return Command(verb=Verb.ADD, kind=Kind.URL, target=target, **more)


def pasted(target: str, **more: str) -> Command:
    """An `add` of a text."""
    return Command(verb=Verb.ADD, kind=Kind.TEXT, target=target, **more)


def bare(verb: Verb) -> Command:
    """A command word alone."""
    return Command(verb=verb)


COMMANDS = [
    ("add https://x.y/z", url()),
    ("ADD https://x.y/z.", url()),
    ("Please add https://x.y/z please!", url()),
    (": add <https://x.y/z>", url()),
    ("add <https://x.y/z|the handbook>", url()),
    ("add <https://x.y/z?a=1&amp;b=2>", url("https://x.y/z?a=1&b=2")),
    ("add [the handbook](https://x.y/z)", url()),
    ("add [the handbook](<https://x.y/z_(1)>)", url("https://x.y/z_(1)")),
    ("add `https://x.y/z`", url()),
    ("add the page https://x.y/z", url()),
    ("add: https://x.y/z", url()),
    ("add this:\nhttps://x.y/z", url()),
    ("add https://x.y:8080/z", url("https://x.y:8080/z")),
    ("add https://x.y/z?q=1", url("https://x.y/z?q=1")),
    ("add https://x.y/z to people", url(collection="people")),
    ("add https://x.y/z to the people collection", url(collection="people")),
    ('add https://x.y/z to "HR docs"', url(collection="HR docs")),
    ("add https://x.y/z to “HR docs” title «Expenses: 2024»", url(collection="HR docs", title="Expenses: 2024")),
    ("add https://x.y/z title Expenses to people", url(collection="people", title="Expenses")),
    ("add https://x.y/z to <#C12|finance>", url(scope="channel:C12")),
    ("add https://x.y/z to <#4711>", url(scope="channel:4711")),
    ("add https://x.y/z to #finance", url(scope="#finance")),
    ("add https://x.y/z to channel:C12", url(scope="channel:C12")),
    ("add https://x.y/z to workspace", url(scope="workspace")),
    ("add: pasted text…", pasted("pasted text…")),
    ("add text: what is a refund? It is money.", pasted("what is a refund? It is money.")),
    ("add\nRefunds take 14 days.\nThanks", pasted("Refunds take 14 days.\nThanks")),
    ('add to people title "Paid: leave": 25 days', pasted("25 days", collection="people", title="Paid: leave")),
    ("add ```\nRefunds: 14\n```", pasted("Refunds: 14")),
    ('add "The office closes at six." to people', pasted("The office closes at six.", collection="people")),
    ("add: see https://x.y/z", pasted("see https://x.y/z")),
    ("list", bare(Verb.LIST)),
    ("list?", bare(Verb.LIST)),
    ("list docs", bare(Verb.LIST)),
    ("list all the documents please", bare(Verb.LIST)),
    ("show me all documents", bare(Verb.LIST)),
    ("list docs in people", Command(verb=Verb.LIST, collection="people")),
    ("list docs in <#C12|finance>", Command(verb=Verb.LIST, scope="channel:C12")),
    ("show d1x", on(Verb.SHOW, "d1x")),
    ("show document 42", on(Verb.SHOW, "42")),
    ("show handbook.pdf.", on(Verb.SHOW, "handbook.pdf")),
    ("show https://x.y/z", on(Verb.SHOW, "https://x.y/z")),
    ("status", bare(Verb.STATUS)),
    ("status!", bare(Verb.STATUS)),
    ("show status", bare(Verb.STATUS)),
    ('status "Expenses policy"', on(Verb.STATUS, "Expenses policy")),
    ("refresh <https://x.y/z|handbook>", on(Verb.REFRESH, "https://x.y/z")),
    ('remove "Expenses policy"', on(Verb.REMOVE, "Expenses policy")),
    ("remove “Expenses  policy”.", on(Verb.REMOVE, "Expenses policy")),
    ("remove 'Expenses policy'", on(Verb.REMOVE, "Expenses policy")),
    ("remove `d1x`", on(Verb.REMOVE, "d1x")),
    ("undo", bare(Verb.UNDO)),
    ("undo that!", bare(Verb.UNDO)),
    ("share d1x with workspace", on(Verb.SHARE, "d1x", scope="workspace")),
    ("share d1x with everyone", on(Verb.SHARE, "d1x", scope="workspace")),
    ('share "Expenses policy" with <#C12|finance>', on(Verb.SHARE, "Expenses policy", scope="channel:C12")),
    ("share d1x with channel:C12", on(Verb.SHARE, "d1x", scope="channel:C12")),
    ("share d1x with #finance", on(Verb.SHARE, "d1x", scope="#finance")),
    ("forget me", Command(verb=Verb.FORGET, kind=Kind.ME)),
    ("forget everything about me", Command(verb=Verb.FORGET, kind=Kind.ME)),
    ("forget this", Command(verb=Verb.FORGET, kind=Kind.THIS)),
    ("forget this conversation", Command(verb=Verb.FORGET, kind=Kind.THIS)),
    ('forget "Expenses policy"', on(Verb.FORGET, "Expenses policy")),
    ("gaps", bare(Verb.GAPS)),
    ("show gaps", bare(Verb.GAPS)),
    ("approve", bare(Verb.APPROVE)),
    (
        "approve: Refunds take 14 days, right?",
        Command(verb=Verb.APPROVE, kind=Kind.TEXT, target="Refunds take 14 days, right?"),
    ),
    ("settings", bare(Verb.SETTINGS)),
    ("settings language", Command(verb=Verb.SETTINGS, key="language")),
    ("settings collections people", Command(verb=Verb.SETTINGS, key="collections", value="people")),
    (
        'settings collections = people, "Travel rules".',
        Command(verb=Verb.SETTINGS, key="collections", value="people,Travel rules"),
    ),
    ("settings language es", Command(verb=Verb.SETTINGS, key="language", value="es")),
    ('settings voice = "Plain Jane"', Command(verb=Verb.SETTINGS, key="voice", value="Plain Jane")),
    ("help", Help()),
    ("help!", Help()),
    ("help me", Help()),
    ("help add", Help(Verb.ADD)),
    ("undo?", Help(Verb.UNDO)),
    ("remove?", Help(Verb.REMOVE)),
    ("", Help()),
    ("  : ", Help()),
]

SPANISH = [
    ("añade https://x.y/z a finanzas título «Gastos»", url(collection="finanzas", title="Gastos")),
    ("anade https://x.y/z", url()),
    ("añade: el reembolso tarda 14 días", pasted("el reembolso tarda 14 días")),
    ("lista", bare(Verb.LIST)),
    ("lista todos los documentos en finanzas", Command(verb=Verb.LIST, collection="finanzas")),
    ("muestra «Política de gastos»", on(Verb.SHOW, "Política de gastos")),
    ("estado", bare(Verb.STATUS)),
    ("estado d1x", on(Verb.STATUS, "d1x")),
    ("actualiza el-manual.pdf", on(Verb.REFRESH, "el-manual.pdf")),
    ("quita el documento d1x", on(Verb.REMOVE, "d1x")),
    ("quita documento d1x por favor", on(Verb.REMOVE, "d1x")),
    ("deshacer", bare(Verb.UNDO)),
    ("comparte d1x con #finanzas", on(Verb.SHARE, "d1x", scope="#finanzas")),
    ("comparte d1x con todos", on(Verb.SHARE, "d1x", scope="workspace")),
    ("olvida me", Command(verb=Verb.FORGET, kind=Kind.ME)),
    ("olvídame", Command(verb=Verb.FORGET, kind=Kind.ME)),
    ("Olvídate de mí", Command(verb=Verb.FORGET, kind=Kind.ME)),
    ("olvida esto", Command(verb=Verb.FORGET, kind=Kind.THIS)),
    ("lagunas", bare(Verb.GAPS)),
    ("aprueba", bare(Verb.APPROVE)),
    ("ajustes idioma es", Command(verb=Verb.SETTINGS, key="idioma", value="es")),
    ("ayuda", Help()),
    ("ayuda quita", Help(Verb.REMOVE)),
]

QUESTIONS = [
    "add up my vacation days?",
    "add up my vacation days",
    "add 2 days to my leave",
    "add-on pricing",
    "add a printer: how?",
    "Add the following to my expenses: taxi, 20 €",
    "added costs?",
    "add printer",
    "list all holidays we have",
    "list holidays",
    "list the documents I need for a visa",
    "list: apples, pears",
    "show me how to file expenses",
    "show expenses",
    "show 3 examples of a good report",
    'show "Expenses policy" section about meals',
    "show d1x?",
    "status of my request",
    "status vpn",
    "refresh token lifetime",
    "remove stains from a jacket how?",
    "remove stains",
    "remove covid-19 restrictions",
    "undo my vacation request",
    "share my calendar with everyone",
    "share COVID-19 results with HR",
    "forget my password, what now?",
    "forgot my password",
    "forget about the old policy",
    "gaps in my health insurance",
    "approve my holiday",
    "approve?d",
    "settings for printer",
    "settings of the vpn client",
    "help! my laptop is broken",
    "help: my laptop is broken",
    "help with expenses",
    "help me file expenses",
    "how do I add https://x.y/z",
    "what does status mean?",
    "please tell me about refunds",
    "lista de festivos",
    "muestra cómo pido vacaciones",
    "estado de mi solicitud",
    "¿lista de festivos?",
    "ayuda con mi portátil",
    "comparte coche la empresa?",
    "show 'em how",
]

ERRORS = [
    ("add", "nothing to add"),
    ("add!", "nothing to add"),
    ("add:", "nothing to add"),
    ("add this", "nothing to add"),
    ("add to people", "nothing to add"),
    ("add example.com/handbook", "one begins with http or https"),
    ("add ftp://x.y/z", "one begins with http or https"),
    ("add https://x.y https://x.z", "one address"),
    ("add these:\nhttps://x.y\nhttps://x.z", "one address"),
    ("add https://x.y/z because it is new", "only a collection"),
    ("add https://x.y/z to", "only a collection"),
    ("add https://x.y/z title Travel policy", "only a collection"),
    ("show", "which document to show"),
    ("show me", "Name the document"),
    ("refresh", "which document to refresh"),
    ("refresh all", "Name the document"),
    ("remove", "which document to remove"),
    ("remove it", "Name the document"),
    ('remove "Expenses policy', "quote does not end"),
    ("remove d1x and d2x", "one document"),
    ('remove "Expenses policy" "Travel policy"', "one document"),
    ("share", "with whom"),
    ("share d1x", "with whom"),
    ("share d1x with", "with whom"),
    ("share d1x with Bob", "with whom"),
    ('share "Expenses policy" with "finance"', "with whom"),
    ('share "Expenses policy', "quote does not end"),
    ("forget", "what to forget"),
    ("forget it", "Name the document"),
    ("quita", "which document to remove"),
]


@pytest.mark.parametrize(("text", "wish"), COMMANDS + SPANISH)
def test_a_command_is_read(text: str, wish: Command | Help) -> None:
    """A command word with all that it takes, and nothing else, is that command."""
    assert parse(text) == wish


@pytest.mark.parametrize("text", QUESTIONS)
def test_a_question_is_never_stolen(text: str) -> None:
    """A question that begins with a command word is asked, word for word."""
    assert parse(text) == Ask(text)


@pytest.mark.parametrize(("text", "part"), ERRORS)
def test_an_incomplete_command_is_answered_with_an_example(text: str, part: str) -> None:
    """What can only be a command and is not complete gets one sentence and an example."""
    with pytest.raises(InputError) as caught:
        parse(text)
    assert part in str(caught.value)
    assert ", for example: " in str(caught.value)
    assert "\n" not in str(caught.value)


FILES = [
    ("add", Command(verb=Verb.ADD, kind=Kind.FILE)),
    ("add this file", Command(verb=Verb.ADD, kind=Kind.FILE)),
    ("añade este archivo a finanzas", Command(verb=Verb.ADD, kind=Kind.FILE, collection="finanzas")),
    ('add to people title "Handbook"', Command(verb=Verb.ADD, kind=Kind.FILE, collection="people", title="Handbook")),
    ("add to <#C12|hr>", Command(verb=Verb.ADD, kind=Kind.FILE, scope="channel:C12")),
    ("add https://x.y/z", url()),
    ("add up the totals in this sheet", Ask("add up the totals in this sheet")),
    ("what is in this file?", Ask("what is in this file?")),
]


@pytest.mark.parametrize(("text", "wish"), FILES)
def test_an_attached_file_is_added(text: str, wish: Command | Ask) -> None:
    """With a file attached, `add` takes the file, and a question stays one."""
    assert parse(text, files=1) == wish


def test_a_loose_phrase_with_a_file_is_no_guess() -> None:
    """`add our guide to onboarding` with a file may name a collection or not: the person is asked to say which."""
    with pytest.raises(InputError, match="attached file"):
        parse("add our guide to onboarding", files=1)


def test_only_known_settings_are_commands_where_they_are_named() -> None:
    """With the settings there are given, `settings` with any other word is a question."""
    assert parse("settings language", keys={"language"}) == Command(verb=Verb.SETTINGS, key="language")
    assert parse("settings wifi", keys={"language"}) == Ask("settings wifi")


def test_a_near_command_carries_a_hint() -> None:
    """A question that begins with a command word tells how the command would be said; any other question does not."""
    near, far = parse("remove Expenses policy"), parse("how long do refunds take?")
    assert isinstance(near, Ask)
    assert isinstance(far, Ask)
    assert 'remove "Expenses policy"' in near.hint
    assert far.hint == ""


def test_a_command_keeps_what_was_said() -> None:
    """The whole message stays at hand, to be asked should an unquoted name be no document."""
    wish = parse(" status oauth2 ")
    assert isinstance(wish, Command)
    assert wish.said == "status oauth2"


def test_a_raw_channel_name_is_no_scope_yet() -> None:
    """`#finance` without an id cannot pass for a scope, so an adapter that forgets to resolve it widens nothing."""
    wish = parse("share d1x with #finance")
    assert isinstance(wish, Command)
    with pytest.raises(InputError):
        to_scope(wish.scope)


RIGHTS = [
    ("add https://x.y/z", True, False),
    ("list", False, False),
    ("show d1x", False, False),
    ("status", False, False),
    ("refresh d1x", True, False),
    ("remove d1x", True, True),
    ("undo", True, True),
    ("share d1x with workspace", True, True),
    ("forget me", False, True),
    ("forget this", False, True),
    ("forget d1x", True, True),
    ("gaps", True, False),
    ("approve", True, False),
    ("settings", True, False),
]


@pytest.mark.parametrize(("text", "admin", "destructive"), RIGHTS)
def test_rights_are_data(text: str, admin: bool, destructive: bool) -> None:
    """Who may run a command, and whether it wants a confirmation, stand on the command."""
    wish = parse(text)
    assert isinstance(wish, Command)
    assert (wish.admin, wish.destructive) == (admin, destructive)


def test_every_example_is_a_command() -> None:
    """Each example in the table parses to its own command."""
    for usage in TABLE.values():
        wish = parse(usage.example)
        assert isinstance(wish, (Command, Help))
        assert isinstance(wish, Help) or wish.verb is usage.verb


def test_the_help_has_one_line_a_command() -> None:
    """The help names every command once, and only what the reader may run."""
    everything, mine = to_help().splitlines(), to_help(admin=False)
    assert len(everything) == len(TABLE) + 1
    assert "`forget me" in mine
    assert "`list" in mine
    assert "`remove" not in mine


def test_the_help_of_one_command_has_its_example() -> None:
    """`help remove` shows form, example and right."""
    text = to_help(Verb.REMOVE)
    assert TABLE[Verb.REMOVE].example in text
    assert "Only for admins" in text


_WORDS = [verb.value for verb in Verb] + [
    "añade",
    "olvida",
    "to",
    "with",
    "title",
    "https://x.y/z",
    "d1x",
    '"',
    "#c",
    ":",
]


@settings(max_examples=500, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(_WORDS), st.text(max_size=4)), max_size=8).map(" ".join), st.integers(0, 2))
def test_any_message_is_a_command_a_question_or_one_sentence(text: str, files: int) -> None:
    """Whatever people type, the parser answers; it never fails in another way, and a question is what was typed."""
    try:
        wish = parse(text, files=files)
    except InputError:
        return
    assert not isinstance(wish, Ask) or wish.text == text.strip()
