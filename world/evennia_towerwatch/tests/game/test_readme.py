"""The README says what is there."""

import ast
import re

from django.test import SimpleTestCase

from evennia_towerwatch import conf
from evennia_towerwatch.commands.words import command_words
from evennia_towerwatch.tests.install.readme import README, blocks, commands


class TheReadme(SimpleTestCase):
    """Its tables, against the code."""

    text = README.read_text("utf-8")

    def test_the_table_of_settings_is_complete_and_names_the_defaults(self) -> None:
        rows = re.findall(r"^\| `(TOWERWATCH_\w+)` \|.*\| `([^`]*)` \|$", self.text, re.M)
        told = {name: ast.literal_eval(default) for name, default in rows}
        self.assertEqual(told, conf.DEFAULTS)

    def test_every_command_in_the_table_of_commands_is_one(self) -> None:
        usage = self.text.split("\n## Usage\n")[1].split("\n### ")[0]
        rows = re.findall(r"^\| (.+?) \| ", usage, re.M)[1:]
        words = {typed.split()[0] for row in rows for typed in re.findall(r"`([^`]+)`", row)}
        self.assertLessEqual(words - {"look", "help"}, command_words())
        self.assertGreater(len(words), 10)

    def test_what_is_typed_and_put_into_files_is_found(self) -> None:
        found = blocks("## Installation", "### If you like")
        self.assertEqual(commands(found)[0], "pip install path/to/world")
        files = [block.file for block in found if block.language == "python"]
        self.assertEqual(
            files,
            [
                "server/conf/settings.py",
                "commands/default_cmdsets.py",
                "typeclasses/accounts.py",
                "typeclasses/channels.py",
                "web/urls.py",
            ],
        )
