"""Discord's error bodies."""

from tests.fakes.discord.world import Json


class ApiError(Exception):
    """What the API answers when it refuses."""

    def __init__(self, status: int, code: int, message: str, errors: Json | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body: Json = {"message": message, "code": code, **({"errors": errors} if errors else {})}


def invalid(field: str, code: str, message: str) -> ApiError:
    """Return `50035 Invalid Form Body` about one field, named with dots."""
    node: Json = {"_errors": [{"code": code, "message": message}]}
    for part in reversed(field.split(".")):
        node = {part: node}
    return ApiError(400, 50035, "Invalid Form Body", node)
