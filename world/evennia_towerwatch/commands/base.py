"""What all commands of operations have in common: words, arguments, locks, the watch's absence."""

import difflib
from typing import Any

from django.conf import settings
from evennia.accounts.models import AccountDB
from evennia.commands.command import Command

from evennia_towerwatch import conf, pager, typed
from evennia_towerwatch.bridge import BRIDGE, actor_of
from evennia_towerwatch.escape import escape
from evennia_towerwatch.layout import Screen, wrap, wrap_text
from evennia_towerwatch.roles import role_of
from evennia_towerwatch.screens import screen_before, screen_of
from evennia_towerwatch.sessions import passes

from .words import word_of, words_of

# Not "Towerwatch" nor "Tower": `help towerwatch` would then list the category instead.
HELP_CATEGORY = "Agents"


class TowerCommand(Command):
    """One operation as a command; subclasses are made with their `operation` declared.

    Its lock is open and the real one is asked in `func`: a command that Evennia hides from somebody
    could neither tell them why nor tell the watch, and their words would reach another command.
    """

    operation: dict[str, Any]
    locks = "cmd:all()"
    help_category = HELP_CATEGORY
    # A word of ours ends where it ends: `restarting` is not `restart ing`.
    arg_regex = r"\s|$"

    def __hash__(self) -> int:
        """As Evennia 6 has it.

        In Evennia 5 all commands have the same, and at every line that anybody types each of ours
        would be compared with each of the character's: that takes as long as all else together.
        """
        return hash(self.key)

    def match(self, cmdname: str, include_prefixes: bool = True) -> tuple[str | None, str | None]:
        """Say which part of a typed line is this command's name.

        Evennia's own `@reload` has the alias `@restart`, and a prefix may be left out, so that
        `@restart bezalel` would reload the game. Of two commands that match, the parser takes the
        one with the longer name. So with something behind the name, the space belongs to ours.
        `@restart` with nothing behind it is left to the core.
        """
        text = cmdname.lstrip(settings.CMD_IGNORE_PREFIXES)
        lead = cmdname[: len(cmdname) - len(text)]
        if lead or not include_prefixes:
            for word in self._keyaliases:
                if text.startswith(word) and text[len(word) :].strip():
                    name = lead + text[: len(word) + 1]
                    return (name, name) if name[-1].isspace() else (None, None)
        return super().match(cmdname, include_prefixes=include_prefixes)

    def parse(self) -> None:
        """Take the arguments from the line as typed.

        Where two commands match `@restart box-2`, the parser reads `-2` as "the second of them",
        and what it hands on is `box`. That must never be restarted.
        """
        line = (self.raw_string or "").strip().lstrip(settings.CMD_IGNORE_PREFIXES)
        for word in self._keyaliases:
            rest = line[len(word) :]
            if line.lower().startswith(word) and (not rest or rest[0].isspace()):
                self.typed = rest.strip()
                return
        self.typed = self.args.strip()

    def func(self) -> None:
        """Check, then do it."""
        arguments = self.parse_arguments()
        if arguments is None:
            return
        # An object without an account: an NPC, or a thing with a script.
        asker = self.account or getattr(self.caller, "account", None) or self.caller
        role = role_of(self.operation, arguments, BRIDGE.fleet)
        refusal = self._refusal(role, asker is self.caller and not self._is_account())
        if refusal is not None:
            sentence, why = refusal
            self.tell(sentence)
            BRIDGE.refused(self.operation, arguments, actor_of(asker, self.asking()), why)
            return
        self.run(arguments, asker)

    def run(self, arguments: dict[str, str], asker: Any) -> None:
        """Do it for this account or object, which may. Subclasses say how."""
        raise NotImplementedError

    def _is_account(self) -> bool:
        return isinstance(self.caller, AccountDB)

    def _refusal(self, role: str, is_object: bool) -> tuple[str, str] | None:
        """Why it may not be done: a sentence for who has typed it, and one for the audit."""
        word = word_of(self.operation["name"])
        if is_object and not self._passes(conf.object_lock()):
            lock = conf.object_lock()
            sentence = f"Objects may not use {word} here: it needs {lock} (TOWERWATCH_OBJECT_LOCK)."
            return sentence, f"the game's lock wants {lock} of objects"
        if is_object and role == "admin":
            sentence = f"Objects may never use {word} so: it needs a person (the role admin)."
            return sentence, "an object never has the role admin"
        lock = conf.lock_of(role)
        if self._passes(lock):
            return None
        many = "" if role == self.operation["role"] else " for so many"
        sentence = f"You may not use {word}{many} here: it needs {lock} (the role {role})."
        return sentence, f"the game's lock wants {lock} for the role {role}"

    def _passes(self, lock: str) -> bool:
        return passes(self.caller, lock)

    def asking(self) -> Any:
        """The session where it was typed, as far as that can be told.

        What Evennia's pager hands on, when something else is typed into it, comes without one.
        """
        if self.session is not None:
            return self.session
        handler = getattr(self.caller, "sessions", None)
        sessions = handler.all() if handler is not None else []
        return sessions[0] if len(sessions) == 1 else None

    def screen(self) -> Screen:
        """What the answer is read on."""
        asking = self.asking()
        return screen_before(self.caller) if asking is None else screen_of(asking)

    def parse_arguments(self) -> dict[str, str] | None:
        """Values by argument name, ids where ids are meant; None when they were told why not."""
        found = typed.parse(self.operation["arguments"], self.typed, BRIDGE.fleet)
        if isinstance(found, typed.Fault):
            self.tell(self._sentence(found))
            return None
        return found

    def _sentence(self, fault: typed.Fault) -> str:
        """What is wrong, and what to type instead."""
        argument = fault.argument
        if argument is None or fault.kind == "missing":
            missing = f"The {argument['name']} is missing.\n" if argument and self.typed else ""
            return f"{missing}Usage: {usage(self.operation)}{self._example()}"
        if fault.kind == "wrong":
            return f"The {argument['name']} {fault.text}.{self._example()}"
        word, what = escape(fault.typed, 60), argument["kind"]
        if fault.kind == "ambiguous":
            return f"{word} can be {_some(fault.names)}. Type more of it."
        near = difflib.get_close_matches(fault.typed.lower()[:64], fault.names, 1)
        hint = f"Did you mean {near[0]}?" if near else f"There are: {_some(fault.names)}."
        thing = what if what in ("agent", "host") else "agent or host"
        return f"There is no {thing} called {word}. {hint}"

    def _example(self) -> str:
        """One is worth more than words where there is more than one thing to type."""
        if len(self.operation["arguments"]) < 2:
            return ""
        return f"\nFor example: {as_typed(self.operation, self.operation['examples'][-1])}"

    def tell(self, text: str) -> None:
        """Say something to whoever typed it."""
        self.msg(text=(wrap_text(text, self.screen()), {"type": "towerwatch"}))

    def show_lines(self, lines: list[str]) -> None:
        """Show lines that fit the screen, a page at a time where they are many."""
        asking = self.asking()
        if asking is None:
            self.msg(text=("\n".join(lines), {"type": "towerwatch"}))
        else:
            pager.show_here(lines, asking)

    def get_help(self, caller: Any, cmdset: Any) -> str:
        """Called by `help <command>`."""
        operation = self.operation
        words = words_of(operation["name"], operation["aliases"])
        screen = screen_before(caller)
        lines = [operation["summary"], "", "Usage:"]
        lines += [f"  {usage(operation, word)}" for word in words]
        for argument in operation["arguments"]:
            need = "" if argument["required"] else " (may be left out)"
            word = argument["name"]
            word = typed.flag_word(word) if argument["kind"] == "flag" else word
            name = "/".join(argument.get("words", [word]))
            lines.append(f"    {name}: {argument['help']}{need}")
        lines += ["", *wrap(operation["help"], screen, 0), "", "Examples:"]
        lines += [f"  {as_typed(operation, example)}" for example in operation["examples"]]
        return wrap_text("\n".join([*lines, "", *_who(operation)]), screen)


def _who(operation: dict[str, Any]) -> list[str]:
    """Who may use it, and whether more is needed for many."""
    role, many = operation["role"], operation.get("roleForMany")
    every = operation.get("roleForAll")
    lock = conf.lock_of(role)
    who = "Everybody may use it" if lock == "all()" else f"Who may use it: {lock}"
    lines = [f"{who} (the role {role})."]
    if many:
        lines.append(f"For a host or for all: {conf.lock_of(many)} (the role {many}).")
    elif every:
        lines.append(f"For all: {conf.lock_of(every)} (the role {every}).")
    return lines


def as_typed(operation: dict[str, Any], example: str) -> str:
    """An example in the words of this game."""
    return word_of(operation["name"]) + example.removeprefix(operation["name"])


def usage(operation: dict[str, Any], word: str | None = None, flags: bool = True) -> str:
    """`restart <agent> [--dry-run]`; with `word` in the place of the operation's name."""
    shown = [one for one in operation["arguments"] if flags or one["kind"] != "flag"]
    return " ".join([word or word_of(operation["name"]), *map(_usage_of, shown)])


def _usage_of(argument: dict[str, Any]) -> str:
    if argument["kind"] == "flag":
        text = typed.flag_word(argument["name"])
    elif argument["kind"] == "choice":
        text = "/".join(argument["words"])
    else:
        text = argument["name"] + ("…" if argument["kind"] == "text" else "")
    return f"<{text}>" if argument["required"] else f"[{text}]"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return f"{', '.join(names[:20])}{more}"
