"""The account of the watch."""

from io import StringIO
from unittest.mock import patch

from django.core.management import CommandError, call_command

from evennia_towerwatch.account import AccountError, BridgeAccount, ensure_bridge_account
from evennia_towerwatch.tests.game.support import PASSWORD, TowerTest


class Making(TowerTest):
    """`ensure_bridge_account` and `evennia towerwatch_account`."""

    def test_it_may_speak_for_the_watch_and_do_nothing_else(self) -> None:
        account = ensure_bridge_account("watch", PASSWORD)
        self.assertEqual(account.permissions.all(), ["tower_bridge"])
        self.assertFalse(account.is_superuser or account.is_staff)
        self.assertEqual(list(account.cmdset.current), [])
        self.assertFalse(account.access(self.account2, "msg"))
        self.assertTrue(account.access(None, "noidletimeout"))
        self.assertFalse(account.characters)

    def test_its_password_works_and_a_second_call_changes_it(self) -> None:
        account = ensure_bridge_account("watch", PASSWORD)
        self.assertTrue(account.check_password(PASSWORD))
        account.permissions.add("Developer")
        again = ensure_bridge_account("Watch", "another-password")
        self.assertEqual(again.id, account.id)
        self.assertTrue(again.check_password("another-password"))
        self.assertEqual(again.permissions.all(), ["tower_bridge"])

    def test_the_name_of_a_player_is_refused(self) -> None:
        with self.assertRaisesRegex(AccountError, "choose another name"):
            ensure_bridge_account(self.account2.key, PASSWORD)
        self.assertNotIn("tower_bridge", self.account2.permissions.all())

    def test_it_does_not_become_the_owner_of_a_game_that_has_none(self) -> None:
        with (
            patch("evennia_towerwatch.account.AccountDB.objects.exists", return_value=False),
            self.assertRaisesRegex(AccountError, "run `evennia start` once"),
        ):
            ensure_bridge_account("watch", PASSWORD)
        self.assertEqual(BridgeAccount.objects.count(), 0)

    def test_bad_names_and_passwords_are_refused_in_a_sentence(self) -> None:
        for name, password in (
            ("", PASSWORD),
            ("a|b", PASSWORD),
            ("a\n", PASSWORD),
            ("a", "short"),
        ):
            with self.assertRaises(AccountError):
                ensure_bridge_account(name, password)
        self.assertEqual(BridgeAccount.objects.count(), 0)

    def test_logging_in_sends_what_the_watch_waits_for_and_no_text(self) -> None:
        account, sent = ensure_bridge_account("watch", PASSWORD), []

        class Session:
            def msg(self, **kwargs: object) -> None:
                sent.append(kwargs)

        account.at_post_login(session=Session())
        self.assertEqual(sent, [{"logged_in": {}}])

    def test_the_command_shows_a_new_password_once_and_it_works(self) -> None:
        out, beside = StringIO(), StringIO()
        call_command("towerwatch_account", "watch", stdout=out, stderr=beside)
        self.assertNotIn("evennia reload", beside.getvalue())
        password = out.getvalue().strip()
        self.assertGreaterEqual(len(password), 20)
        self.assertTrue(BridgeAccount.objects.get(username="watch").check_password(password))
        # The running game has the account in memory, with the password of before.
        call_command("towerwatch_account", "watch", stdout=StringIO(), stderr=beside)
        self.assertIn("takes it after `evennia reload`", beside.getvalue())

    def test_the_command_takes_a_password_from_standard_input_and_shows_nothing(self) -> None:
        out = StringIO()
        with patch("sys.stdin", StringIO(f"{PASSWORD}\n")):
            call_command("towerwatch_account", "watch", "--password-stdin", stdout=out)
        self.assertEqual(out.getvalue(), "")
        self.assertTrue(BridgeAccount.objects.get(username="watch").check_password(PASSWORD))

    def test_the_command_says_what_is_wrong(self) -> None:
        with patch("sys.stdin", StringIO("short\n")), self.assertRaisesRegex(CommandError, "12"):
            call_command("towerwatch_account", "watch", "--password-stdin")
