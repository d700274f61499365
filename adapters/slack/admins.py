"""Who is an admin, asked at execution: by id, by user group, or as an admin of the workspace; never by name."""

from collections.abc import Collection

import structlog

from adapters.slack.people import People
from core.errors import BotError

log = structlog.get_logger()


async def is_admin(user: str, team: str, *, people: People, named: Collection[str], user_team: str = "") -> bool:
    """Whether this person may change what the bot knows. `named`: `slack/T1/U3`, `slack/T1/group/S5`.

    Guests, strangers, bots and people of another team never are, whatever a list says. What cannot be asked is a no.
    """
    try:
        about = await people.profile(user)
        who = await people.person(user, user_team)
        if about is None or who.guest or who.external or who.bot:
            return False
        own = about.get("team_id", team) in ("", None, team)  # elsewhere Slack speaks of another team's admins
        if f"slack/{team}/{user}" in named or (own and (about.get("is_admin") or about.get("is_owner"))):
            return True
        begin = f"slack/{team}/group/"
        for name in named:
            if name.startswith(begin) and user in await people.group(name.removeprefix(begin)):
                return True
    except BotError as error:
        log.warning("admin_unknown", error=type(error).__name__, code=getattr(error, "code", ""))
    return False
