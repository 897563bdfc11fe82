"""what happens in the server → every open page, by server-sent events."""

from __future__ import annotations

import json
import queue
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_LISTENERS = 32
MOST_WAITING = 1000  # events of a page that does not listen any more
BEAT_S = 10.0  # between two signs of life, by which a page that is gone is found out


@dataclass
class Events:
    """Hands events on to all who listen."""

    listeners: list[queue.Queue[str | None]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    is_over: bool = False

    def send(self, kind: str, content: dict[str, Any]) -> None:
        """Tell all who listen."""
        text = f"event: {kind}\ndata: {json.dumps(content)}\n\n"
        with self.lock:
            for listener in list(self.listeners):
                if listener.qsize() >= MOST_WAITING:
                    self.listeners.remove(listener)
                    listener.put(None)
                else:
                    listener.put(text)

    def close(self) -> None:
        """End all streams."""
        with self.lock:
            self.is_over = True
            for listener in self.listeners:
                listener.put(None)

    def listen(self) -> queue.Queue[str | None] | None:
        """Begin to listen; None where too many do so already."""
        listener: queue.Queue[str | None] = queue.Queue()
        with self.lock:
            if self.is_over or len(self.listeners) >= MOST_LISTENERS:
                return None
            self.listeners.append(listener)
        return listener

    def stream(self, listener: queue.Queue[str | None]) -> Iterator[str]:
        """What a page gets, with a sign of life from time to time."""
        try:
            yield ": hello\n\n"
            while True:
                try:
                    text = listener.get(timeout=BEAT_S)
                except queue.Empty:
                    yield ": still here\n\n"
                    continue
                if text is None:
                    return
                yield text
        finally:
            with self.lock:
                if listener in self.listeners:
                    self.listeners.remove(listener)
