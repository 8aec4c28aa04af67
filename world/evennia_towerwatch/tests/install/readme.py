"""The README's own code blocks, applied to a game directory as a reader would."""

import re
from dataclasses import dataclass
from pathlib import Path

README = Path(__file__).resolve().parents[3] / "README.md"
_GAP = "...\n"
# Below this line of a new game's settings, as the README says.
_DEFAULTS = "from evennia.settings_default import *\n"


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block, with the file that the words above it name last."""

    language: str
    file: str
    text: str


def blocks(heading: str, before: str) -> list[Block]:
    """The blocks from one heading to the next one named."""
    text = README.read_text("utf-8").split(f"\n{heading}\n", 1)[1].split(f"\n{before}\n", 1)[0]
    found = []
    place = ""
    for words, language, code in re.findall(r"(.*?)^```(\w*)\n(.*?)^```$", text, re.M | re.S):
        place = (re.findall(r"`([\w/]+\.py)`", words) or [place])[-1]
        found.append(Block(language, place, code))
    return found


def commands(found: list[Block]) -> list[str]:
    """The lines that are to be typed."""
    return [line for block in found if not block.language for line in block.text.splitlines()]


def apply(block: Block, game: Path) -> None:
    """Put a block where the README's words say.

    Raises:
        AssertionError: The place that it speaks of is not there.
    """
    file = game / block.file
    old = file.read_text("utf-8")
    new = _changed(block.text, old)
    assert new != old, f"{block.file} stays as it is after:\n{block.text}"
    file.write_text(new, "utf-8")


def _changed(code: str, old: str) -> str:
    if _GAP not in code:
        return old.replace(_DEFAULTS, f"{_DEFAULTS}\n{code}") if _DEFAULTS in old else old + code
    # However many empty lines the formatter wants around it.
    imports, body = code.split(_GAP)
    imports, body = imports.rstrip("\n") + "\n", body.lstrip("\n")
    with_imports = re.sub(r"(?m)^(?=from evennia)", imports, old, count=1)
    named = re.match(r"class (\w+)\(", body)
    if named is None:
        # At the end of the method of both of its classes.
        end = r"(class (?:Character|Account)CmdSet\(.*?super\(\)\.at_cmdset_creation\(\)\n)"
        new, count = re.subn(end, lambda found: found[1] + body, with_imports, flags=re.S)
        assert count > 0, f"there is no place for:\n{body}"
        return new
    line, _, members = body.partition("\n")
    head = re.compile(rf"^class {named[1]}\(.*\):$", re.M)
    new, count = head.subn(line, with_imports)
    assert count == 1, f"there is no class {named[1]}"
    if not members.strip():
        return new
    start = new.index(line)
    end = new.index("\n    pass\n", start)
    return new[:end] + "\n" + members.rstrip("\n") + "\n" + new[end + len("\n    pass\n") :]
