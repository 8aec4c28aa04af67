"""Settings of The Tower: Evennia's defaults, the lines that world/README.md tells, and little else.

Ports, the secret key and whatever belongs to one installation only stand in secret_settings.py
beside this file, which is never shared.
"""

import contextlib
import os

from evennia.settings_default import *

SERVERNAME = "The Tower"
GAME_SLOGAN = "Where a fleet of agents is kept alive"

# Nothing listens to the network unless secret_settings.py says so.
TELNET_INTERFACES = ["127.0.0.1"]
WEBSERVER_INTERFACES = ["127.0.0.1"]
WEBSOCKET_CLIENT_INTERFACE = "127.0.0.1"
AMP_INTERFACE = "127.0.0.1"
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
GAME_INDEX_ENABLED = False

# One account may look from several windows at the same character.
MULTISESSION_MODE = 1

# #2 is the Watch Room, see at_initial_setup.py.
START_LOCATION = "#2"
DEFAULT_HOME = "#2"

# Towerwatch, as the README of evennia_towerwatch tells it.
INSTALLED_APPS += ["evennia_towerwatch"]
INPUT_FUNC_MODULES = ["evennia.server.inputfuncs", "evennia_towerwatch.inputfuncs"]
AT_SERVER_STARTSTOP_MODULE = ["evennia_towerwatch.server_hooks"]
PORTAL_SERVICES_PLUGIN_MODULES = ["evennia_towerwatch.portal_guard"]

# The web client is the Tower's own (web/); all other pages are Evennia's.
STATICFILES_DIRS = [os.path.join(GAME_DIR, "web", "static")]

# Places for code that Evennia looks into by default and that this game has nothing for.
LOCK_FUNC_MODULES = ("evennia.locks.lockfuncs",)
SERVER_SERVICES_PLUGIN_MODULES = []
PROTOTYPE_MODULES = []
FILE_HELP_ENTRY_MODULES = []
FUNCPARSER_OUTGOING_MESSAGES_MODULES = ["evennia.utils.funcparser"]
FUNCPARSER_PROTOTYPE_PARSING_MODULES = ["evennia.prototypes.protfuncs"]

with contextlib.suppress(ModuleNotFoundError):
    from server.conf.secret_settings import *
