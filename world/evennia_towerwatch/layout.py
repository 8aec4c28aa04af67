"""Text by the columns that it takes on a screen. Pure.

The watch counts the same (src/domain/columns.ts); both run test/fixtures/columns.json. What stands
in here may hold Evennia's colours, which take no column; outside text has no `|` any more.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

# Below that a table is for nobody; each row is a record of its own.
NARROW = 60

_COLOUR = re.compile(r"\|[A-Za-z]")
_PLAIN = re.compile("[ -~]*")
_INVISIBLE = frozenset({"Mn", "Me", "Cf"})
# Of two hyphens Evennia leaves none for who has it read aloud, so that `--dry-run` would be taught
# as `dry-run`, which is no flag; `-dry-run` is one.
_HYPHENS = re.compile(r"--+(?=\w)")


@dataclass(frozen=True, slots=True)
class Screen:
    """What somebody reads on: how wide it is, and whether it is read aloud instead."""

    columns: int = 78
    reader: bool = False


USUAL = Screen()


def columns_of(text: str) -> int:
    """How many columns a text takes; its colours take none."""
    bare = _COLOUR.sub("", text)
    if _PLAIN.fullmatch(bare):
        return len(bare)
    return sum(_sign_columns(sign) for sign in bare)


def _sign_columns(sign: str) -> int:
    if unicodedata.category(sign) in _INVISIBLE:
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1


def fill(text: str, width: int) -> str:
    """Text without colours in exactly `width` columns: cut with an ellipsis, or padded."""
    used = columns_of(text)
    if used > width:
        text = _head(text, width - 1) + "…"
        used = columns_of(text)
    return text + " " * (width - used)


def _head(text: str, width: int) -> str:
    """The beginning of a text that takes at most so many columns, with the colours in it."""
    used = at = 0
    while at < len(text):
        if colour := _COLOUR.match(text, at):
            at = colour.end()
            continue
        used += _sign_columns(text[at])
        if used > width:
            break
        at += 1
    return text[:at]


def wrap(line: str, screen: Screen, hang: int = 2) -> list[str]:
    """A line in lines that fit the screen, broken between words.

    What follows the first is indented like that and `hang` more, so that it can be seen to belong
    to it. What is read aloud is never broken.
    """
    width = screen.columns
    if screen.reader:
        return [_HYPHENS.sub("-", line)]
    if columns_of(line) <= width:
        return [line]
    text = line.lstrip(" ")
    blanks = min(len(line) - len(text), width // 2)
    rest = " " * min(blanks + hang, width // 2)
    lines: list[str] = []
    current, empty = " " * blanks, True
    for word in text.split(" "):
        if not empty and columns_of(current) + 1 + columns_of(word) > width:
            lines.append(current.rstrip())
            current, empty = rest, True
        current += word if empty else f" {word}"
        empty = False
        while columns_of(current) > width:
            head = _head(current, width)
            lines.append(head)
            current = rest + current[len(head) :]
    return [*lines, current.rstrip()]


def wrap_text(text: str, screen: Screen) -> str:
    """Each line of a text, wrapped: sentences as such, what is indented with more of it."""
    return "\n".join(
        part
        for line in text.split("\n")
        for part in wrap(line, screen, 2 if line.startswith(" ") else 0)
    )


def wrap_parts(parts: Sequence[str], screen: Screen, indent: str = "  ") -> list[str]:
    """Parts with commas between them, broken between parts wherever that will do."""
    lines: list[str] = []
    for index, part in enumerate(parts):
        text = part if index == len(parts) - 1 else f"{part},"
        if lines and columns_of(f"{lines[-1]} {text}") <= screen.columns:
            lines[-1] += f" {text}"
        else:
            lines += wrap(indent + text, screen, 0)
    return lines


def wrap_list(head: str, parts: Sequence[str], screen: Screen, indent: str = "    ") -> list[str]:
    """A head, and behind it parts with commas between them, broken between parts.

    What is read aloud is one line. Of hundreds of parts each is measured only once.
    """
    if screen.reader:
        return [f"{head} {', '.join(parts)}"]
    lines: list[str] = []
    current, used = [head], columns_of(head)
    for index, part in enumerate(parts):
        text = part if index == len(parts) - 1 else f"{part},"
        columns = columns_of(text)
        if used + 1 + columns <= screen.columns:
            current.append(text)
            used += 1 + columns
            continue
        lines.append(" ".join(current))
        *full, last = wrap(indent + text, screen, 0)
        lines += full
        current, used = [last], columns_of(last)
    return [*lines, " ".join(current)]
