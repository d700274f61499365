"""The registered commands: one PUT replaces a set, unchanged names keep their id."""

from typing import Any

from tests.fakes.discord.errors import ApiError, invalid
from tests.fakes.discord.rules import check_command
from tests.fakes.discord.world import Json, World

MOST = {1: 100, 2: 15, 3: 15}


class Commands:
    """Global commands under None, a server's own under its id."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.sets: dict[str | None, list[Json]] = {None: []}
        self.puts = self.creates = 0

    async def get(self, g: str | None = None, **_: Any) -> list[Json]:
        """Return a set."""
        return self.sets.get(g, [])

    async def put(self, body: list[Json], g: str | None = None, **_: Any) -> list[Json]:
        """Replace a set."""
        self.puts += 1
        old = {(c["type"], c["name"]): c for c in self.sets.get(g, [])}
        made: dict[tuple[int, str], Json] = {}
        for n, command in enumerate(body):
            check_command(n, command)
            key = (command.get("type", 1), command["name"])
            if key in made:
                said = "Application command names must be unique"
                raise invalid(f"{n}.name", "APPLICATION_COMMANDS_DUPLICATE_NAME", said)
            self.creates += key not in old
            needed = command.get("default_member_permissions")
            made[key] = {
                "description": "",
                **command,
                "id": old[key]["id"] if key in old else self._world.id(),
                "application_id": self._world.app_id,
                "version": self._world.id(),
                "type": key[0],
                **({"guild_id": g} if g else {}),
                "default_member_permissions": None if needed is None else str(needed),
            }
        for kind, most in MOST.items():
            if sum(key[0] == kind for key in made) > most:
                raise ApiError(400, 30032, f"Maximum number of application commands reached ({most}).")
        self.sets[g] = list(made.values())
        return self.sets[g]

    def find(self, name: str, guild_id: str, kind: int = 1) -> Json:
        """Return what a user would choose; LookupError when it was not registered."""
        for command in [*self.sets.get(guild_id, []), *self.sets[None]]:
            if command["name"] == name and command["type"] == kind:
                return command
        raise LookupError(f"/{name} is not registered: was the tree synced?")
