"""The wire's checks, over the fixtures that both languages share."""

import subprocess
import sys
import unittest
from pathlib import Path

from evennia_towerwatch.protocol import SchemaError, compile_schema, load_protocol, loads

FIXTURES = Path(__file__).resolve().parents[4] / "test" / "fixtures" / "protocol" / "v1"
PURE = ("protocol", "fleet", "appearance", "escape", "typed")


class Fixtures(unittest.TestCase):
    """Every file under test/fixtures/protocol/v1/<message>/{accept,reject}."""

    def setUp(self) -> None:
        protocol = load_protocol()
        self.checks = {**protocol.watch, **protocol.tower}

    def test_every_message_has_fixtures_and_every_folder_is_a_message(self) -> None:
        folders = {path.name for path in FIXTURES.iterdir() if path.is_dir()}
        self.assertEqual(folders, set(self.checks))

    def test_every_accept_fixture_is_accepted(self) -> None:
        for name, check in self.checks.items():
            for path in self.files(name, "accept"):
                with self.subTest(f"{name}/{path.name}"):
                    self.assertIsNone(check(loads(path.read_text("utf-8")), name))

    def test_every_reject_fixture_is_rejected_with_a_sentence(self) -> None:
        for name, check in self.checks.items():
            for path in self.files(name, "reject"):
                with self.subTest(f"{name}/{path.name}"):
                    try:
                        value = loads(path.read_text("utf-8"))
                    except ValueError:
                        continue
                    self.assertRegex(str(check(value, name)), rf"^{name}.*: .+")

    def files(self, name: str, kind: str) -> list[Path]:
        files = sorted((FIXTURES / name / kind).glob("*.json"))
        self.assertTrue(files, f"no {kind} fixtures of {name}")
        return files


class Validator(unittest.TestCase):
    """What JSON Schema leaves to the language."""

    def test_an_id_with_a_final_newline_is_refused(self) -> None:
        check = load_protocol().watch["tower_ping"]
        self.assertIsNone(check({"v": 1, "id": "a"}, "m"))
        self.assertIsNotNone(check({"v": 1, "id": "a\n"}, "m"))

    def test_true_is_not_the_number_one(self) -> None:
        self.assertIsNotNone(load_protocol().watch["tower_ping"]({"v": True, "id": "a"}, "m"))

    def test_numbers_that_json_does_not_have_are_refused(self) -> None:
        check = compile_schema({"type": "number"})
        for value in (float("nan"), float("inf"), 10**400):
            self.assertIsNotNone(check(value, "m"))
        with self.assertRaises(ValueError):
            loads('{"v": NaN}')

    def test_a_length_is_counted_as_javascript_counts_it(self) -> None:
        check = compile_schema({"type": "string", "maxLength": 3})
        self.assertIsNone(check("abc", "m"))
        self.assertIsNotNone(check("😀😀", "m"))

    def test_a_keyword_that_is_not_known_is_an_error_at_load(self) -> None:
        for schema in (
            {"type": "string", "format": "date"},
            {"type": "object", "patternProperties": {}},
            {"type": "null"},
            {},
        ):
            with self.subTest(schema), self.assertRaises(SchemaError):
                compile_schema(schema)

    def test_a_value_of_the_wrong_kind_is_refused_and_never_raises(self) -> None:
        values = [None, True, 0, -1, 1.5, "", "x", [], [[]], {}, {"a": {}}, {1: 2}, object()]
        protocol = load_protocol()
        for name, check in {**protocol.watch, **protocol.tower}.items():
            for value in values:
                self.assertIsInstance(check(value, name), str)


class Purity(unittest.TestCase):
    """The pure parts can be used, and tested, where there is no game."""

    def test_the_pure_parts_import_neither_evennia_nor_django(self) -> None:
        code = "import sys\n" + "".join(f"import evennia_towerwatch.{name}\n" for name in PURE)
        code += "assert not {'evennia', 'django', 'twisted'} & set(sys.modules)\n"
        root = Path(__file__).resolve().parents[3]
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False
        )
        self.assertEqual(done.returncode, 0, done.stderr)
