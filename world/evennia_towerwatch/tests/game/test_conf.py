"""Settings that would not work are refused at start."""

from django.core.exceptions import ImproperlyConfigured
from django.test import SimpleTestCase, override_settings

from evennia_towerwatch import conf
from evennia_towerwatch.protocol import load_protocol

NAMES = {operation["name"] for operation in load_protocol().operations}


class Settings(SimpleTestCase):
    """One sentence each, that names the setting."""

    def test_the_game_of_these_tests_has_settings_that_work(self) -> None:
        conf.check(NAMES)

    def test_every_bad_setting_is_named(self) -> None:
        bad = {
            "TOWERWATCH_CHANNEL": ["", "  ", 7, "a|b", "x" * 61],
            "TOWERWATCH_WATCH_ROOM": ["", None],
            "TOWERWATCH_SEE_LOCK": ["", "cmd:all()", "all", None, "all();x"],
            "TOWERWATCH_OPERATE_LOCK": ["Builder", ""],
            "TOWERWATCH_ADMIN_LOCK": ["Admin", None],
            "TOWERWATCH_SILENT_AFTER_S": [0, "30", True, None],
            "TOWERWATCH_CANONICAL_ONLY": ["health", ["nothing"], None, 7, [["health"]], {"a": 1}],
            "TOWERWATCH_OBJECT_LOCK": ["", "all", None, "cmd:all()"],
            "TOWERWATCH_PREFIX": ["", "Tower", "a b", "tower/", "@ops", "7x", "health", None, "ä"],
            "INPUT_FUNC_MODULES": [["evennia.server.inputfuncs"]],
            "AT_SERVER_STARTSTOP_MODULE": ["server.conf.at_server_startstop", []],
        }
        for name, values in bad.items():
            for value in values:
                with (
                    self.subTest(f"{name} = {value!r}"),
                    override_settings(**{name: value}),
                    self.assertRaisesRegex(ImproperlyConfigured, rf"^{name} must be .*\.$"),
                ):
                    conf.check(NAMES)

    def test_the_short_names_may_be_switched_off_for_some_or_for_all(self) -> None:
        for value in (True, False, (), ["health"], ("health", "restart")):
            with override_settings(TOWERWATCH_CANONICAL_ONLY=value, TOWERWATCH_PREFIX="fleet-ops"):
                conf.check(NAMES)
                hidden = value is True or (value is not False and "health" in value)
                self.assertEqual(conf.is_canonical_only("health"), hidden, value)

    def test_a_typing_error_in_a_name_is_met_with_the_nearest_one(self) -> None:
        with (
            override_settings(TOWERWATCH_CHANEL="Fleet"),
            self.assertRaisesRegex(ImproperlyConfigured, "did you mean TOWERWATCH_CHANNEL"),
        ):
            conf.check(NAMES)

    def test_a_setting_that_is_called_otherwise_now_stops_the_start_and_says_how(self) -> None:
        with (
            override_settings(TOWERWATCH_ACT_LOCK="all()"),
            self.assertRaisesRegex(ImproperlyConfigured, "called TOWERWATCH_OPERATE_LOCK now"),
        ):
            conf.check(NAMES)

    def test_a_module_named_alone_counts_as_a_list_of_one(self) -> None:
        with override_settings(AT_SERVER_STARTSTOP_MODULE=conf.SERVER_HOOKS):
            conf.check(NAMES)
