"""Connections to a game that runs: a player's, and a watch that is played by hand."""

import base64
import contextlib
import json
import os
import re
import socket
import struct
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

PATIENCE_S = 60
_HEAD_END = b"\r\n\r\n"


class Connection:
    """A socket of which one waits for what is to come."""

    def __init__(self, port: int) -> None:
        """Connect to a port of this machine."""
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        self._raw = b""

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, kind: type | None, error: Any, trace: TracebackType | None) -> None:
        self._socket.close()

    def wait_for(self, look: Callable[[bytes], Any]) -> Any:
        """Read until `look` finds something in all that came; returns that.

        Raises:
            AssertionError: It did not come in time, or the game hung up.
        """
        deadline = time.monotonic() + PATIENCE_S
        while not (found := look(self._raw)):
            self._socket.settimeout(max(0.1, deadline - time.monotonic()))
            try:
                self._raw += self._more()
            except TimeoutError as error:
                raise AssertionError(f"in vain; there came: {self._raw[-2000:]!r}") from error
        return found

    def _more(self) -> bytes:
        more = self._socket.recv(65536)
        assert more, f"the game hung up; there came: {self._raw[-2000:]!r}"
        return more


class Player(Connection):
    """Somebody on telnet, who has refused all options by saying nothing."""

    def type(self, line: str, until: str) -> str:
        """Type a line; returns what is said from then on, up to and with `until`."""
        self._raw = b""
        self._socket.sendall(f"{line}\r\n".encode())
        return self.hear(until)

    def hear(self, until: str) -> str:
        """Everything since the last line typed, as soon as `until` is in it."""

        def look(raw: bytes) -> str | None:
            text = _plain(raw)
            return text if until in text else None

        return self.wait_for(look)

    def insist(self, line: str, until: str) -> None:
        """Type a line again and again until it is answered so.

        What is typed while the Server starts is lost, and a new game starts twice.
        """
        deadline = time.monotonic() + PATIENCE_S
        while until not in self.heard():
            assert time.monotonic() < deadline, f"{line}: in vain; there came: {self.heard()}"
            self._socket.sendall(f"{line}\r\n".encode())
            self._socket.settimeout(3)
            with contextlib.suppress(TimeoutError):
                while until not in self.heard():
                    self._raw += self._more()

    def heard(self) -> str:
        """What has come so far."""
        return _plain(self._raw)


class Watch(Connection):
    """The other half, over Evennia's websocket."""

    def __init__(self, port: int) -> None:
        """Shake hands."""
        super().__init__(port)
        key = base64.b64encode(os.urandom(16)).decode()
        self._socket.sendall(
            f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        head = self.wait_for(lambda raw: raw.find(_HEAD_END) + 1) - 1 + len(_HEAD_END)
        assert b" 101 " in self._raw[:head], self._raw[:head]
        self._raw = self._raw[head:]

    def send(self, name: str, /, **data: Any) -> None:
        """One message, as a masked text frame."""
        payload = json.dumps([name, [], data]).encode()
        size = len(payload)
        length = bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack(">H", size)
        # A mask of zeros is a mask.
        self._socket.sendall(b"\x81" + length + bytes(4) + payload)

    def answer(self, name: str) -> dict[str, Any]:
        """The first message of this name among what came."""
        return self.wait_for(lambda raw: _message(raw, name))


def _plain(raw: bytes) -> str:
    """What a player reads, without its colours: they may stand between any two letters."""
    return re.sub(r"\x1b\[[\d;]*m", "", raw.decode("utf-8", "replace"))


def _message(raw: bytes, name: str) -> dict[str, Any] | None:
    at = 0
    while len(raw) >= at + 2:
        size, start = raw[at + 1] & 0x7F, at + 2
        for code, form, width in ((126, ">H", 2), (127, ">Q", 8)):
            if size == code:
                if len(raw) < start + width:
                    return None
                (size,), start = struct.unpack(form, raw[start : start + width]), start + width
                break
        if len(raw) < start + size:
            return None
        if raw[at] == 0x81:
            kind, _, data = json.loads(raw[start : start + size])
            if kind == name:
                return data
        at = start + size
    return None
