"""What the Portal has for the Server goes out at once, not when the last packet was acknowledged.

Evennia leaves Nagle's algorithm on between its two processes: a line or a message that follows
right behind another one waits 40 ms for the other side's acknowledgement. The Portal's side is the
one that waits.
"""

from evennia.server.portal.amp_server import AMPServerProtocol


class PromptProtocol(AMPServerProtocol):
    """For the setting AMP_SERVER_PROTOCOL_CLASS: Evennia's own, without the wait."""

    def connectionMade(self) -> None:
        """Called by Twisted when the Server has connected, and when the launcher has."""
        self.transport.setTcpNoDelay(True)
        super().connectionMade()
