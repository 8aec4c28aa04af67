"""The channel on which alerts are said."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from evennia.comms.comms import DefaultChannel
from evennia.comms.models import ChannelDB
from evennia.utils import logger
from evennia.utils.create import create_channel
from evennia.utils.utils import class_from_module

from . import conf
from .commands.words import command_words

# The category of the plugin's marks on accounts and on the channel that it has made.
TAGS = "towerwatch"
MADE_TAG = "towerwatch_channel"
_JOINED = "towerwatch_joined"


class FleetChannel(DefaultChannel):
    """A channel whose name doesn't take a command's place.

    Evennia gives every subscriber a nick of the channel's name, and a nick is looked at before any
    command: who joins `Fleet` could never type `fleet` again. So words that are commands here are
    left out; `channel Fleet = hello` speaks on it.
    """

    def add_user_channel_alias(self, user: Any, alias: str, **kwargs: Any) -> None:
        """Called with each name of the channel when somebody joins."""
        if alias.lower() not in command_words():
            super().add_user_channel_alias(user, alias, **kwargs)


def find_channel() -> Any:
    """The channel named in the settings, or None; of several the one that the plugin has made."""
    named = list(ChannelDB.objects.filter(db_key__iexact=conf.channel_name()).order_by("id"))
    ours = (channel for channel in named if channel.tags.has(MADE_TAG, category=TAGS))
    return next(ours, named[0] if named else None)


def _channel_type() -> type:
    """The game's own type, where it is one of ours: the command `channel` finds no other."""
    own = class_from_module(settings.BASE_CHANNEL_TYPECLASS)
    return own if issubclass(own, FleetChannel) else FleetChannel


def ensure_channel() -> Any:
    """The channel; made where it is missing. Everybody may listen, Builders may speak.

    One that was there before is used as it is, and stays when the plugin is removed.
    """
    channel, wanted = find_channel(), _channel_type()
    if channel is None:
        channel = create_channel(
            conf.channel_name(),
            desc="What happens in the fleet, as the watch sees it",
            locks="listen:all();send:perm(Builder);control:perm(Admin)",
            typeclass=wanted,
            tags=[(MADE_TAG, TAGS)],
        )
    elif channel.typeclass_path == FleetChannel.path != wanted.path:
        # Made before the game had a type of its own that is one of ours.
        channel.swap_typeclass(wanted, run_start_hooks=None)
    return channel


def join_once(account: Any) -> None:
    """Subscribe an account to the channel, the first time only: who leaves it stays away."""
    if not account.tags.has(_JOINED, category=TAGS):
        channel = ensure_channel()
        if channel.access(account, "listen"):
            channel.connect(account)
        account.tags.add(_JOINED, category=TAGS)


def say_on_channel(line: str, wants: Callable[[Any], bool] = lambda _: True) -> None:
    """Say a line, already escaped, to every subscriber who has not muted the channel.

    Args:
        line: What is said.
        wants: Whether this subscriber is to hear it; the channel's history has it in any case.

    This is Channel.msg with one difference: there, one subscriber whose `at_pre_channel_msg` says
    no ends the delivery to all who come after.
    """
    channel = find_channel()
    if channel is None:
        logger.log_warn(f"Towerwatch: there is no channel {conf.channel_name()}")
        return
    hook_arguments = {"senders": [], "bypass_mute": False}
    message = channel.at_pre_msg(line, **hook_arguments)
    if message in (None, False):
        return
    muted = set(channel.mutelist)
    for receiver in channel.subscriptions.online():
        if receiver in muted or not wants(receiver):
            continue
        try:
            received = receiver.at_pre_channel_msg(message, channel, **hook_arguments)
            if received not in (None, False):
                receiver.channel_msg(received, channel, **hook_arguments)
                receiver.at_post_channel_msg(received, channel, **hook_arguments)
        except Exception:
            logger.log_trace(f"Towerwatch: {receiver} could not be told on the channel")
    # It goes into the history. The game's website takes each line of that apart at this sign, and
    # leaves out the line where it comes twice: no text may keep itself out of it.
    channel.at_post_msg(message.replace("[-]", "(-)"), **hook_arguments)
