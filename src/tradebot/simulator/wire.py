"""How the bytes of a reply go out, and how a fault may spoil that."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Wire:
    """The defaults send a whole reply with its length, at once."""

    drop: bool = False
    """Close the connection instead of answering."""
    reset: bool = False
    """Break it off (RST) rather than close it."""
    keep_bytes: int | None = None
    """Send only so much of the body and close: the announced length stays the full one."""
    length_off: int = 0
    """Announce so many bytes more than there are, and close."""
    no_length: bool = False
    """Announce no length: the end of the connection is the end of the body."""
    chunk: int = 0
    """Send the body in chunks of so many bytes."""
    pause: float = 0
    """Wait so many seconds after each byte of the body."""
    pause_in_headers: bool = False
    date_off: float = 0
    """Seconds added to the Date header."""

    @property
    def closes(self) -> bool:
        """Can the connection not be used any more after this reply?"""
        return self.keep_bytes is not None or self.no_length or self.length_off != 0

    def length_headers(self, length: int) -> list[str]:
        """How the end of a body of `length` bytes is announced."""
        if self.chunk:
            return ["Transfer-Encoding: chunked"]
        return [] if self.no_length else [f"Content-Length: {max(0, length + self.length_off)}"]

    def encode(self, body: bytes) -> bytes:
        """The body as it is sent."""
        kept = body[: self.keep_bytes]
        if not self.chunk:
            return kept
        parts = [kept[at : at + self.chunk] for at in range(0, len(kept), self.chunk)]
        end = b"0\r\n\r\n" if len(kept) == len(body) else b""
        return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + end
