"""Which repositories the names stand for that a town works by: a name may be taken by another one later."""

from __future__ import annotations

from tinytown.domain.message import Message
from tinytown.store.codec import at_text, encode
from tinytown.store.connection import Connection
from tinytown.store.keys import Keys
from tinytown.store.scripts import load


class RepositoryStore:
    """The repositories of one town."""

    def __init__(self, connection: Connection, keys: Keys) -> None:
        self._connection = connection
        self._keys = keys

    def remember(self, name: str, number: int, *, is_meant: bool, called: str | None, message: Message) -> int:
        """The number of the repository that a name stands for: that of the first contact.

        Args:
            name: `host/owner/repo` in lower case.
            number: of the repository that it leads to now.
            is_meant: whether the name is to stand for that one from now on.
            called: what that one is called now, when that is another name.
            message: to the conductor, sent once for each such other name.
        """
        args = {
            "name": name,
            "number": number,
            "is_meant": is_meant,
            "called": called or False,
            "id": message.id,
            "message": encode(message),
            "sender": message.sender,
            "at": at_text(message.sent_at),
        }
        known: int = self._connection.run(load("remember_repository"), self._keys.prefix, args, may_repeat=True)
        return known

    def known(self) -> dict[str, int]:
        """Every name with the number of its repository."""
        flat = self._connection.execute("HGETALL", self._keys("forge", "repositories"))
        return {name.decode(): int(number) for name, number in zip(flat[::2], flat[1::2], strict=True)}

    def names_of(self, number: int) -> tuple[str, ...]:
        """The names, `host/owner/repo`, that the town has known a repository by."""
        return tuple(name for name, known in self.known().items() if known == number)
