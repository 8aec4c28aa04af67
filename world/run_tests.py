"""Runs all tests of the plugin with this Python: `python world/run_tests.py [name ...]`.

The pure ones run without a game. For the others a game directory is made from world/tower, with a
database of its own, and thrown away afterwards. Names narrow the game's tests down, for example
`evennia_towerwatch.tests.game.test_build`.
"""

import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

WORLD = Path(__file__).resolve().parent
GAME_TESTS = "evennia_towerwatch.tests.game"
PURE_TESTS = "evennia_towerwatch/tests/pure"


def main(names: list[str]) -> int:
    """Run them; returns the exit status."""
    passed = failed = 0
    broken = False
    with tempfile.TemporaryDirectory(prefix="towerwatch-world-") as folder:
        game = make_game(Path(folder))
        runs = [] if names else [([sys.executable, "-m", "unittest", *pure_arguments()], WORLD)]
        evennia = str(Path(sys.executable).parent / "evennia")
        runs.append(
            ([evennia, "test", "--settings", "settings.py", *(names or [GAME_TESTS])], game)
        )
        for command, place in runs:
            ran, bad, status = run(command, place)
            passed, failed = passed + ran - bad, failed + bad
            broken = broken or status != 0 or ran == 0
    print(f"{passed} passed, {failed} failed")
    return 1 if broken or failed else 0


def pure_arguments() -> list[str]:
    """Arguments of unittest for the tests that need no game."""
    return ["discover", "-s", PURE_TESTS, "-t", "."]


def make_game(folder: Path) -> Path:
    """A game directory that takes the plugin from this very source tree."""
    game = folder / "game"
    shutil.copytree(WORLD / "tower", game, ignore=shutil.ignore_patterns("secret_settings.py"))
    (game / "evennia_towerwatch").symlink_to(WORLD / "evennia_towerwatch")
    settings = game / "server" / "conf" / "secret_settings.py"
    settings.write_text(
        f"SECRET_KEY = {secrets.token_hex(32)!r}\n"
        # Every test makes accounts; the real hash takes half a second for each.
        'PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]\n',
        "utf-8",
    )
    return game


def run(command: list[str], place: Path) -> tuple[int, int, int]:
    """Run one suite, showing what it says; returns how many tests ran, how many failed, status."""
    # Evennia looks for twistd on the path.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    done = subprocess.Popen(
        command,
        cwd=place,
        env={**os.environ, "PATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said = []
    for line in done.stdout or ():
        sys.stdout.write(line)
        said.append(line)
    status = done.wait()
    text = "".join(said)
    ran = sum(int(count) for count in re.findall(r"^Ran (\d+) tests?", text, re.M))
    bad = sum(
        int(count) for count in re.findall(r"(?:failures|errors|unexpected successes)=(\d+)", text)
    )
    return ran, bad, status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
