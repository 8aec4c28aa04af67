"""The Portal's side of the line between Evennia's two processes."""

from unittest.mock import Mock, patch

from django.test import SimpleTestCase
from evennia.server.portal.amp_server import AMPServerProtocol
from evennia.utils.utils import class_from_module

from evennia_towerwatch.tests.install.readme import README


class Prompt(SimpleTestCase):
    """AMP_SERVER_PROTOCOL_CLASS."""

    def test_the_class_that_the_readme_names_sends_small_packets_at_once(self) -> None:
        setting = README.read_text("utf-8").split('AMP_SERVER_PROTOCOL_CLASS = "')[1]
        kind = class_from_module(setting.split('"')[0])
        self.assertTrue(issubclass(kind, AMPServerProtocol))
        protocol = kind.__new__(kind)
        protocol.transport = Mock()
        with patch.object(AMPServerProtocol, "connectionMade") as evennias_own:
            protocol.connectionMade()
        protocol.transport.setTcpNoDelay.assert_called_once_with(True)
        evennias_own.assert_called_once_with()
