"""How far an answer has come, for the parts of the gate that have to know."""

from __future__ import annotations

from starlette.types import Message, Send


class Answer:
    """Sends on, and remembers."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0
        """0: it has not begun."""
        self.sent_bytes = 0
        """Of its body."""
        self.is_complete = False

    async def send(self, message: Message) -> None:
        """As ASGI's send."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message["type"] == "http.response.body":
            self.sent_bytes += len(message.get("body", b""))
            self.is_complete = not message.get("more_body", False)
        await self._send(message)
