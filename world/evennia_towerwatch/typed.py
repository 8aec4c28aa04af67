"""From a typed line to the arguments of an operation. Pure.

The watch's shell does the same in TypeScript (src/domain/arguments.ts), and both run
test/fixtures/arguments.json: a line that is typed in one place means the same in the other.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from .fleet import Fleet

LONGEST_MS = 30 * 86_400_000
_LONGEST_TEXT = 200
# The wire takes no longer value; as JavaScript counts, where one sign may be two.
_LONGEST_VALUE = 400
_MOST_WORDS = 8

_REST = frozenset({"text", "pane"})
_NAMES = frozenset({"agent", "host", "agent-or-host", "subject", "incident"})
_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(ms|s|min|m|h|d)")
_NUMBER = re.compile(r"#?([0-9]{1,12})")
_EXPLICIT = re.compile(r"(agent|host)[ :] ?(.+)", re.DOTALL)

Argument = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a line is not understood.

    Attributes:
        kind: `missing`, `left` (words that nobody takes), `unknown`, `ambiguous` or `wrong`.
        argument: The argument it is about; None for `left`.
        typed: What was typed for it.
        names: `unknown`: all there are. `ambiguous`: those that begin so.
        text: `wrong`: the end of a sentence that begins "The duration".
    """

    kind: str
    argument: Argument | None = None
    typed: str = ""
    names: list[str] = field(default_factory=list)
    text: str = ""


def parse(declared: Sequence[Argument], line: str, fleet: Fleet) -> dict[str, str] | Fault:
    """The arguments of a line, as the watch wants them, or why not.

    Args:
        declared: As operations.json declares them.
        line: What was typed behind the operation's name.
        fleet: Who can be named. While it is not complete, names are left for the watch to judge.

    Returns:
        Agents and hosts by id, subjects and incidents as `agent:ezra`, `host:ezra`, `all` or a
        number.
    """
    words = take_apart(declared, line, fleet)
    if isinstance(words, Fault):
        return words
    arguments = {}
    for argument in declared:
        typed = words.get(argument["name"])
        if typed is None:
            continue
        if not fleet.complete and argument["kind"] in _NAMES:
            arguments[argument["name"]] = typed
            continue
        value = resolve(argument, typed, fleet)
        if isinstance(value, Fault):
            return value
        arguments[argument["name"]] = value
    if any(_utf16_length(value) > _LONGEST_VALUE for value in arguments.values()):
        return Fault("left")
    return arguments


def take_apart(declared: Sequence[Argument], line: str, fleet: Fleet) -> dict[str, str] | Fault:
    """Give each declared argument its words."""
    words, found = _take_flags(declared, _split(_cleaned(line)))
    declared = [one for one in declared if one["kind"] != "flag"]
    at = index = 0
    while index < len(declared):
        argument = declared[index]
        run = [argument]
        if argument["kind"] in _REST:
            if at < len(words):
                found[argument["name"]] = " ".join(words[at:])
            at = len(words)
        elif argument["required"]:
            if at < len(words):
                at = _take(argument, words, at, fleet, found)
        else:
            run = _optionals(declared[index:])
            at = _take_optional(run, words, at, fleet, found)
        if argument["required"] and argument["name"] not in found:
            # "silence ezra testing": what is missing is the duration, and "testing" is the reason.
            earlier = (one for one in declared[:index] if _is_no_duration(one, found))
            return Fault("missing", next(earlier, argument))
        index += len(run)
    return found if at >= len(words) else Fault("left", typed=" ".join(words[at:]))


def flag_word(name: str) -> str:
    """What is typed for a flag: `--dry-run` for the argument `dryRun`."""
    return "--" + re.sub("[A-Z]", lambda letter: f"-{letter[0].lower()}", name)


def _take_flags(declared: Sequence[Argument], words: list[str]) -> tuple[list[str], dict[str, str]]:
    """The words without the declared flags, and those.

    Only a whole word that is one counts, in any case, and also where a keyboard made a dash of the
    two hyphens, or one of them is missing (of two, a game that is read aloud shows none): a dry run
    that is not seen as one would be done.
    """
    known = {flag_word(one["name"]): one["name"] for one in declared if one["kind"] == "flag"}
    rest: list[str] = []
    found: dict[str, str] = {}
    for word in words:
        name = known.get(re.sub("^(?:--?|[\u2013\u2014])", "--", word.lower()))
        if name is None:
            rest.append(word)
        else:
            found[name] = "yes"
    return rest, found


def _is_no_duration(argument: Argument, found: dict[str, str]) -> bool:
    if argument["kind"] != "duration" or not argument["required"]:
        return False
    return _duration_ms(_plain(found[argument["name"]])) is None


def _optionals(declared: Sequence[Argument]) -> list[Argument]:
    """Those that stand together and may be typed in any order."""
    run = []
    for argument in declared:
        if argument["required"] or argument["kind"] in _REST:
            break
        run.append(argument)
    return run


def _take_optional(
    run: list[Argument], words: list[str], at: int, fleet: Fleet, found: dict[str, str]
) -> int:
    """Words that say by themselves what they are come first; a name could be anything."""
    left = list(run)
    while at < len(words):
        fitting = next((one for one in left if _is_one(one, words, at)), None) or next(
            (one for one in left if one["kind"] not in ("choice", "duration")), None
        )
        if fitting is None:
            return at
        at = _take(fitting, words, at, fleet, found)
        left.remove(fitting)
    return at


def _is_one(argument: Argument, words: list[str], at: int) -> bool:
    if argument["kind"] == "choice":
        return _bare(words[at]) in argument["words"]
    if argument["kind"] != "duration":
        return False
    return _is_for(words, at) or _duration_ms(_plain(words[at])) is not None


def _is_for(words: list[str], at: int) -> bool:
    """`for 2h`."""
    return (
        words[at].lower() == "for"
        and at + 1 < len(words)
        and _duration_ms(_plain(words[at + 1])) is not None
    )


def _take(
    argument: Argument, words: list[str], at: int, fleet: Fleet, found: dict[str, str]
) -> int:
    """Put the words of one argument into `found`; answers where the next one begins."""
    if argument["kind"] == "duration" and _is_for(words, at):
        at += 1
    count = _name_length(argument["kind"], words, at, fleet) if argument["kind"] in _NAMES else 1
    found[argument["name"]] = " ".join(words[at : at + count])
    return at + count


def _name_length(kind: str, words: list[str], at: int, fleet: Fleet) -> int:
    """How many words the name has that begins here.

    The longest one that is known, so that "Code Claw" can be typed; two where the first is "host"
    or "agent"; else one.
    """
    for count in range(min(_MOST_WORDS, len(words) - at), 1, -1):
        if _exactly(_named(kind, " ".join(words[at : at + count])), fleet):
            return count
    word = _plain(words[at])
    leads = kind in ("subject", "incident") and word in ("host", "agent")
    if leads and len(words) - at > 1 and not _exactly(_named(kind, word), fleet):
        return 2
    return 1


def resolve(argument: Argument, typed: str, fleet: Fleet) -> str | Fault:
    """What the words of one argument mean."""
    return _RESOLVERS.get(argument["kind"], _resolve_name)(argument, typed, fleet)


def _resolve_text(argument: Argument, typed: str, fleet: Fleet) -> str | Fault:
    text = " ".join(_split(_cleaned(typed)))
    if not text:
        return Fault("wrong", argument, typed, text="must say something")
    if _utf16_length(text) > _LONGEST_TEXT:
        what = f"may have {_LONGEST_TEXT} characters at most"
        return Fault("wrong", argument, typed, text=what)
    return text


def _resolve_word(argument: Argument, typed: str, fleet: Fleet) -> str | Fault:
    if len(_split(_cleaned(typed))) > 1:
        return Fault("wrong", argument, typed, text="must be one word")
    return _resolve_text(argument, typed, fleet)


def _resolve_flag(argument: Argument, typed: str, fleet: Fleet) -> str | Fault:
    return (
        "yes"
        if _plain(typed) == "yes"
        else Fault("wrong", argument, typed, text="is there or is not")
    )


def _resolve_duration(argument: Argument, typed: str, fleet: Fleet) -> str | Fault:
    word = _plain(typed).removeprefix("for ")
    ms = _duration_ms(word)
    if ms is None:
        return Fault("wrong", argument, typed, text="must be like 30m, 2h or 1d")
    if ms <= 0:
        return Fault("wrong", argument, typed, text="must be longer than nothing")
    if ms > LONGEST_MS:
        return Fault("wrong", argument, typed, text="may be 30d at most")
    return word.replace(" ", "")


def _resolve_choice(argument: Argument, typed: str, fleet: Fleet) -> str | Fault:
    word = _bare(_plain(typed))
    if word in argument["words"]:
        return word
    return Fault("wrong", argument, typed, text=f"must be {' or '.join(argument['words'])}")


def _resolve_number(argument: Argument, typed: str, fleet: Fleet) -> str | Fault:
    number = _number(typed)
    return number or Fault("wrong", argument, typed, text="must be a number, like 3")


def _resolve_incident(argument: Argument, typed: str, fleet: Fleet) -> str | Fault:
    return _number(typed) or _resolve_name(argument, typed, fleet)


def _resolve_subject(argument: Argument, typed: str, fleet: Fleet) -> str | Fault:
    return "all" if _plain(typed) == "all" else _resolve_name(argument, typed, fleet)


_RESOLVERS: dict[str, Callable[[Argument, str, Fleet], str | Fault]] = {
    "text": _resolve_text,
    "pane": _resolve_text,
    "word": _resolve_word,
    "flag": _resolve_flag,
    "duration": _resolve_duration,
    "choice": _resolve_choice,
    "number": _resolve_number,
    "incident": _resolve_incident,
    "subject": _resolve_subject,
}


def _resolve_name(argument: Argument, typed: str, fleet: Fleet) -> str | Fault:
    kind = argument["kind"]
    word = _named(kind, typed[:200])
    found = _distinct(_exactly(word, fleet) or _beginning_with(word, fleet))
    if len(found) == 1:
        ((what, thing_id),) = found
        return f"{what}:{thing_id}" if kind in ("subject", "incident") else thing_id
    if found:
        return Fault("ambiguous", argument, typed, names=[thing_id for _, thing_id in found])
    known = sorted({thing_id for _, thing_id, _ in _all(word, fleet)})
    return Fault("unknown", argument, typed, names=known)


@dataclass(frozen=True, slots=True)
class _Named:
    """A name as typed: in lower case, with single blanks; and whose it can be."""

    text: str
    agents: bool
    hosts: bool


def _named(kind: str, typed: str) -> _Named:
    """`host ezra` and `host:ezra` leave no doubt where an agent and its host have one name."""
    text = _plain(typed)
    if kind in ("subject", "incident") and (match := _EXPLICIT.fullmatch(text)):
        return _Named(match[2], match[1] == "agent", match[1] == "host")
    return _Named(text, kind != "host", kind != "agent")


def _all(word: _Named, fleet: Fleet) -> list[tuple[str, str, str]]:
    """Kind, id and name of each who can be meant, agents first."""
    agents = [("agent", one.id, _plain(one.name)) for one in fleet.agents.values() if word.agents]
    hosts = [("host", one.id, _plain(one.name)) for one in fleet.hosts.values() if word.hosts]
    return agents + hosts


def _exactly(word: _Named, fleet: Fleet) -> list[tuple[str, str]]:
    """By id, else by name."""
    things = _all(word, fleet)
    by_id = [(kind, thing_id) for kind, thing_id, _ in things if thing_id == word.text]
    return by_id or [(kind, thing_id) for kind, thing_id, name in things if name == word.text]


def _beginning_with(word: _Named, fleet: Fleet) -> list[tuple[str, str]]:
    if not word.text:
        return []
    return [
        (kind, thing_id)
        for kind, thing_id, name in _all(word, fleet)
        if thing_id.startswith(word.text) or name.startswith(word.text)
    ]


def _distinct(things: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Of an agent and a host with the same id the agent."""
    found: dict[str, str] = {}
    for kind, thing_id in things:
        found.setdefault(thing_id, kind)
    return [(kind, thing_id) for thing_id, kind in found.items()]


def _cleaned(text: str) -> str:
    """Without signs that nobody sees, that control a terminal or turn the writing round."""
    kept = []
    for sign in text:
        category = unicodedata.category(sign)
        if category not in ("Cf", "Cs"):
            kept.append(" " if category in ("Cc", "Zl", "Zp") else sign)
    return "".join(kept)


def _split(text: str) -> list[str]:
    # White space is what ASCII says it is: the two languages differ about the rest.
    return [word for word in re.split(r"[ \t\n\r\f\v]+", text) if word]


def _plain(text: str) -> str:
    return " ".join(_split(text)).lower()


def _bare(word: str) -> str:
    return word.lower().removeprefix("--")


def _number(typed: str) -> str | None:
    match = _NUMBER.fullmatch(_plain(typed))
    return str(int(match[1])) if match and int(match[1]) else None


def _duration_ms(word: str) -> float | None:
    match = _DURATION.fullmatch(word)
    if match is None:
        return None
    ms = float(match[1]) * _UNITS[match[2]]
    return int(ms + 0.5) if ms <= LONGEST_MS else ms


def _utf16_length(text: str) -> int:
    return len(text) + sum(sign > "\uffff" for sign in text)
