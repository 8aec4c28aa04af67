"""A Python environment and a game directory of their own, which a test throws away."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import venv
from pathlib import Path

WORLD = Path(__file__).resolve().parents[3]
_SCRIPTS = {
    "evennia": "from evennia.server.evennia_launcher import main; main()",
    "twistd": "from twisted.scripts.twistd import run; run()",
}


class Place:
    """`folder/venv` sees the packages of this Python, and has those installed that a test installs.

    Nothing is fetched: pip is told to build with the setuptools that is here and to ask no index.
    """

    def __init__(self, folder: Path) -> None:
        """Nothing is made yet."""
        self.folder = folder
        self.game = folder / "game"
        self.python = folder / "venv" / "bin" / "python"

    def make(self) -> None:
        """The environment, and the sources that pip builds from, in `path/to/world`."""
        builder = venv.EnvBuilder(with_pip=False, symlinks=True)
        builder.create(self.folder / "venv")
        # Not what those packages load by themselves: an editable install of the plugin, say.
        (self.packages() / "of_the_tests.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
        for name, code in _SCRIPTS.items():
            self._script(name, f"#!{self.python}\n{code}\n")
        pip = f'exec "{sys.executable}" -m pip --python "{self.python}"'
        offline = "--no-build-isolation --no-index --disable-pip-version-check"
        self._script(
            "pip",
            f'#!/bin/sh\nif [ "$1" = install ]; then shift; set -- install {offline} "$@"; fi\n'
            f'{pip} "$@"\n',
        )
        ignore = shutil.ignore_patterns("__pycache__", "*.egg-info", "build", ".ruff_cache")
        shutil.copytree(WORLD, self.folder / "path" / "to" / "world", ignore=ignore)

    def packages(self) -> Path:
        """Where pip puts what it installs."""
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        return self.folder / "venv" / "lib" / version / "site-packages"

    def settle(self, ports: dict[str, int]) -> None:
        """Ports of this machine only, in the game's secret settings."""
        with (self.game / "server" / "conf" / "secret_settings.py").open(
            "a", encoding="utf-8"
        ) as file:
            file.write(
                f"TELNET_PORTS = [{ports['telnet']}]\n"
                f"WEBSERVER_PORTS = [({ports['web']}, {ports['web_internal']})]\n"
                f"WEBSOCKET_CLIENT_PORT = {ports['websocket']}\n"
                f"AMP_PORT = {ports['amp']}\n"
                "TELNET_INTERFACES = WEBSERVER_INTERFACES = ['127.0.0.1']\n"
                "WEBSOCKET_CLIENT_INTERFACE = AMP_INTERFACE = '127.0.0.1'\n"
                "MAX_CONNECTION_RATE = 100\n"
            )

    def run(self, line: str, *, status: int = 0, where: Path | None = None) -> str:
        """Type a line in a shell, in the game directory unless another is named.

        Returns:
            All that was said.

        Raises:
            AssertionError: It ended with another status, or not within five minutes.
        """
        done = subprocess.run(
            ["sh", "-c", line],
            cwd=where or self.game,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == status, f"{line}: ended with {done.returncode}\n{done.stdout}"
        return done.stdout

    def wait_for_log(self, text: str) -> None:
        """Wait until the game's server has written something.

        Raises:
            AssertionError: It has not within a minute.
        """
        log = self.game / "server" / "logs" / "server.log"
        deadline = time.monotonic() + 60
        while not log.exists() or text not in log.read_text("utf-8"):
            assert time.monotonic() < deadline, f"not in the log: {text}"
            time.sleep(0.2)

    def end(self) -> None:
        """End the game where a test has left it running."""
        for name in ("portal", "server"):
            file = self.game / "server" / f"{name}.pid"
            if file.exists():
                pid = int(file.read_text())
                if self._is_ours(pid):
                    os.kill(pid, signal.SIGKILL)

    def _is_ours(self, pid: int) -> bool:
        try:
            return str(self.folder) in Path(f"/proc/{pid}/cmdline").read_text("utf-8")
        except OSError:
            return False

    def _script(self, name: str, text: str) -> None:
        file = self.folder / "venv" / "bin" / name
        file.write_text(text, "utf-8")
        file.chmod(0o755)

    def _environment(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTHON", "DJANGO_", "PIP_", "EVENNIA_"))
        }
        return {
            **kept,
            "PATH": f"{self.python.parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "EVENNIA_SUPERUSER_USERNAME": "Owner",
            "EVENNIA_SUPERUSER_PASSWORD": PASSWORD,
        }


PASSWORD = "a-long-password"


def free_ports(*names: str) -> dict[str, int]:
    """A port for each that nobody listens on."""
    sockets = [socket.socket() for _ in names]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = {name: one.getsockname()[1] for name, one in zip(names, sockets, strict=True)}
    for one in sockets:
        one.close()
    return ports
