"""Runs all tests of the plugin with this Python: `python world/run_tests.py [name ...]`.

The pure ones run without a game. For the others a game directory is made from world/tower, with a
database of its own, and thrown away afterwards. Names narrow the game's tests down, for example
`evennia_towerwatch.tests.game.test_build`.

`--pure` runs those without a game only: they need nothing but Python. `--install` runs another one
instead: a new game takes the plugin as README.md says, and gives it back. `--evennia` runs
Evennia's own tests, in a game with the plugin and in one without it.
"""

import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from evennia_towerwatch.tests.install.readme import apply, blocks

WORLD = Path(__file__).resolve().parent
GAME_TESTS = "evennia_towerwatch.tests.game"
PURE_TESTS = "evennia_towerwatch/tests/pure"
INSTALL_TESTS = "evennia_towerwatch.tests.install.test_install"
# Those parts of Evennia's own that a plugin could break.
EVENNIA_TESTS = [
    "evennia.accounts",
    "evennia.commands",
    "evennia.comms",
    "evennia.help",
    "evennia.locks",
    "evennia.objects",
    "evennia.server",
    "evennia.typeclasses",
    "evennia.utils",
    "evennia.web",
]


# Fails in every game that gives accounts a command of its own, whatever the command.
NOT_FOR_GAMES = "TestGetAndMergeCmdSets.test_from_account"
# Every test makes accounts; the real hash takes half a second for each.
QUICK_PASSWORDS = 'PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]\n'
# A library of Evennia's, inflect, has every call of its functions checked for types. To prepare
# that takes most of the time in which a game starts; `python -O` leaves it out in the same way.
QUICK_IMPORT = """import sys, types
sys.modules["typeguard"] = types.SimpleNamespace(typechecked=lambda target: target)
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a suite has ended: tests that ran, exit status, names of those that did not pass.

    Of a test with many parts (subTest) any number may be bad, and it counts once.
    """

    ran: int
    status: int
    failures: frozenset[str]


def main(names: list[str]) -> int:
    """Run them; returns the exit status."""
    if names == ["--evennia"]:
        return compare_with_evennia()
    passed = failed = 0
    broken = False
    with tempfile.TemporaryDirectory(prefix="towerwatch-world-") as folder:
        for command, place in suites(names, Path(folder)):
            ended = run(command, place)
            bad = len(ended.failures)
            passed, failed = passed + max(0, ended.ran - bad), failed + bad
            broken = broken or ended.status != 0 or ended.ran == 0
    print(f"{passed} passed, {failed} failed")
    return 1 if broken or failed else 0


def suites(names: list[str], folder: Path) -> list[tuple[list[str], Path]]:
    """What is to be run, and where."""
    if names == ["--install"]:
        return [([sys.executable, "-m", "unittest", INSTALL_TESTS], WORLD)]
    pure = [([sys.executable, "-m", "unittest", *pure_arguments()], WORLD)]
    if names == ["--pure"]:
        return pure
    return [*([] if names else pure), (evennia_test(names or [GAME_TESTS]), make_game(folder))]


def evennia_test(names: list[str]) -> list[str]:
    """Evennia's own command for tests, of a game."""
    evennia = str(Path(sys.executable).parent / "evennia")
    return [evennia, "test", "--settings", "settings.py", *names]


def compare_with_evennia() -> int:
    """Evennia's own tests must end alike in a game with the plugin and in one without it."""
    ends: list[Ended] = []
    for title, readme in (("without the plugin", False), ("with the plugin", True)):
        with tempfile.TemporaryDirectory(prefix="towerwatch-world-") as folder:
            ended = run(evennia_test(EVENNIA_TESTS), make_new_game(Path(folder), readme=readme))
        print(f"Evennia's own tests {title}: {ended.ran} ran, {len(ended.failures)} failed")
        ends.append(ended)
    without, with_it = ends
    new = with_it.failures - without.failures
    broken = sorted(name for name in new if NOT_FOR_GAMES not in name)
    if len(broken) < len(new):
        print(f"not counted, for there accounts have no command but Evennia's: {NOT_FOR_GAMES}")
    for name in broken:
        print(f"fails only with the plugin: {name}")
    same = not broken and with_it.ran == without.ran > 0
    print(f"{with_it.ran - len(broken)} passed, {len(broken)} failed")
    return 0 if same else 1


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
        f"SECRET_KEY = {secrets.token_hex(32)!r}\n{QUICK_PASSWORDS}{QUICK_IMPORT}",
        "utf-8",
    )
    return game


def make_new_game(folder: Path, *, readme: bool) -> Path:
    """What `evennia --init` makes; on request with the plugin, as README.md says."""
    run([str(Path(sys.executable).parent / "evennia"), "--init", "game"], folder)
    game = folder / "game"
    with (game / "server" / "conf" / "secret_settings.py").open("a", encoding="utf-8") as settings:
        settings.write(QUICK_PASSWORDS)
    if readme:
        (game / "evennia_towerwatch").symlink_to(WORLD / "evennia_towerwatch")
        for block in blocks("## Installation", "### If you like"):
            if block.language == "python":
                apply(block, game)
    return game


def run(command: list[str], place: Path) -> Ended:
    """Run one suite, showing what it says."""
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
    bad = re.findall(r"^(?:FAIL|ERROR|UNEXPECTED SUCCESS): (\S+ \(\S+\))", text, re.M)
    return Ended(ran, status, frozenset(bad))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
