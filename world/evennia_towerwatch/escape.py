"""The one way by which outside text comes into the game. Pure.

Agent names, what an agent says it is doing, alerts and answers are written by others. Evennia's own
`ansi.raw` is not enough: `||lc` comes back as `|lc` and becomes a link that runs a command.
"""

import re
import unicodedata

DEFAULT_LIMIT = 400

# Controls that separate words become one space, so that "a\nb" does not read "ab" and no text can
# start a line of its own.
_SEPARATORS = dict.fromkeys(map(ord, "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029"), " ")

# `|` starts all of Evennia's markup; `{` starts a field of str.format_map, through which
# msg_contents puts its text; `$` starts a function of FuncParser, which a game may run on all that
# goes out; `<` starts a tag of MXP, which Evennia 6 sends to MXP clients as it is. Each is replaced
# by a sign that looks like it.
_SIGNS = str.maketrans(
    {"|": "¦", "{": "\uff5b", "}": "\uff5d", "$": "\uff04", "<": "\u2039", ">": "\u203a"}
)

# Cc: controls (ESC, BEL, backspace). Cf: bidi controls, zero-width signs, tags. Cs: lone
# surrogates, which can be neither sent nor saved. Co, Cn: nobody knows what they show.
_DROPPED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})

# The webclient makes links of these, and so do many telnet clients.
_LINKS = re.compile(r"(?i)(ht)tp(?=s?://)|(f)tp(?=://)|\b(www|ftp)\.(?=\S)")


def escape(text: str, limit: int = DEFAULT_LIMIT) -> str:
    """Make outside text harmless to show in the game.

    Args:
        text: Anything at all.
        limit: The most characters that are kept; what is longer ends in an ellipsis.

    Returns:
        One line without control characters, markup, links or format fields.
    """
    # Cut before the work, or a very long text would cost time before it is thrown away.
    cut = text[: limit * 4 + 64].translate(_SEPARATORS)
    kept = "".join(sign for sign in cut if unicodedata.category(sign) not in _DROPPED)
    safe = _LINKS.sub(_unlink, kept.translate(_SIGNS))
    if len(safe) > limit or len(text) > limit * 4 + 64:
        return safe[: limit - 1] + "…"
    return safe


def _unlink(match: re.Match[str]) -> str:
    if match.group(1):
        return "hxxp"
    return "fxp" if match.group(2) else f"{match.group(3)}[.]"
