"""The wire as the Tower checks it: the printed schema, compiled to functions. Pure.

The schema and operations.json are printed by the watch's sources and never edited here. Only the
part of JSON Schema that the printer uses is known; anything else is an error at load, because a
rule that is skipped without a word is worse than one that is missing.
"""

import hashlib
import json
import math
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

# A check answers None, or one sentence that says where and what.
Check = Callable[[Any, str], str | None]

_FOLDER = Path(__file__).parent
SCHEMA_FILE = _FOLDER / "protocol.schema.json"
OPERATIONS_FILE = _FOLDER / "operations.json"


class SchemaError(Exception):
    """The printed schema holds something that this validator does not know."""


class Protocol:
    """All messages of one version of the wire.

    Attributes:
        version: The number that stands as `v` in every message.
        hash: SHA-256 of the printed schema, hexadecimal.
        operations_hash: SHA-256 of operations.json, hexadecimal.
        operations: The declarations, in the order of the watch's registry.
        watch: Checks of what the watch sends, by message name.
        tower: Checks of what the Tower sends, by message name.
    """

    def __init__(self, schema_text: bytes, operations_text: bytes) -> None:
        """Compile the printed forms; raises SchemaError or ValueError if they can't be used."""
        schema = loads(schema_text.decode())
        self.version: int = schema["version"]
        self.hash = hashlib.sha256(schema_text).hexdigest()
        self.operations_hash = hashlib.sha256(operations_text).hexdigest()
        self.operations: list[dict[str, Any]] = loads(operations_text.decode())["operations"]
        self.watch = {name: compile_schema(part) for name, part in schema["watch"].items()}
        self.tower = {name: compile_schema(part) for name, part in schema["tower"].items()}


@cache
def load_protocol() -> Protocol:
    """The protocol as printed into this package. Read once: each login asks for it."""
    return Protocol(SCHEMA_FILE.read_bytes(), OPERATIONS_FILE.read_bytes())


def loads(text: str) -> Any:
    """Parse JSON as JavaScript does: NaN and Infinity are errors (ValueError)."""
    return json.loads(text, parse_constant=_no_constant)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def compile_schema(schema: dict[str, Any]) -> Check:
    """Make a check of one schema. Raises SchemaError for a keyword or type that is not known."""
    find = _compile(schema)

    def check(value: Any, path: str) -> str | None:
        fault = find(value)
        return None if fault is None else path + fault

    return check


# What checks are made of: answers None, or where in the value and what, like `.id: must be text`.
# The place is put together on the way out of a fault and not on the way in: a frame has twenty
# thousand values, each of them in order, and a text for each would cost more than its check.
_Find = Callable[[Any], str | None]


def _compile(schema: dict[str, Any]) -> _Find:
    if "anyOf" in schema:
        _only(schema, {"anyOf"})
        return _any_of([_compile(part) for part in schema["anyOf"]])
    kind = schema.get("type")
    maker = _MAKERS.get(kind) if isinstance(kind, str) else None
    if maker is None:
        raise SchemaError(f"unknown type {kind!r} in the schema")
    return maker(schema)


def _only(schema: dict[str, Any], known: set[str]) -> None:
    unknown = set(schema) - known - {"$schema", "type"}
    if unknown:
        raise SchemaError(f"unknown keywords {sorted(unknown)} in the schema")


def _any_of(checks: list[_Find]) -> _Find:
    def check(value: Any) -> str | None:
        if any(one(value) is None for one in checks):
            return None
        return ": none of the allowed kinds"

    return check


def _object(schema: dict[str, Any]) -> _Find:
    _only(schema, {"properties", "required", "additionalProperties", "propertyNames"})
    properties = {name: _compile(part) for name, part in schema.get("properties", {}).items()}
    required = schema.get("required", [])
    required_names = frozenset(required)
    names = _compile(schema["propertyNames"]) if "propertyNames" in schema else None
    rest = schema.get("additionalProperties", True)
    rest_check = _compile(rest) if isinstance(rest, dict) else None

    known = properties.get if names is None else {}.get

    def check(value: Any) -> str | None:
        if not isinstance(value, dict):
            return ": must be an object"
        if not required_names <= value.keys():
            return f": {next(name for name in required if name not in value)} is missing"
        for name, inner in value.items():
            one = known(name)
            if one is None:
                fault = unknown(name)
                if fault is not None:
                    return fault
                one = properties.get(name, rest_check)
            if one is not None and (fault := one(inner)) is not None:
                return f".{name[:40]}{fault}"
        return None

    def unknown(name: Any) -> str | None:
        if not isinstance(name, str):
            return ": a key is not text"
        if names is not None and names(name) is not None:
            return f": {name[:40]!r} is not an allowed key"
        if name not in properties and rest is False:
            return f": unknown key {name[:40]!r}"
        return None

    return check


def _array(schema: dict[str, Any]) -> _Find:
    _only(schema, {"items", "maxItems"})
    item = _compile(schema["items"])
    most = schema.get("maxItems", math.inf)

    def check(value: Any) -> str | None:
        # A tuple never comes from JSON but is what Evennia may make of a list.
        if not isinstance(value, list | tuple):
            return ": must be a list"
        if len(value) > most:
            return f": more than {most} items"
        for index, inner in enumerate(value):
            if (fault := item(inner)) is not None:
                return f"[{index}]{fault}"
        return None

    return check


def _string(schema: dict[str, Any]) -> _Find:
    _only(schema, {"pattern", "maxLength", "enum", "const"})
    pattern = re.compile(schema["pattern"]) if "pattern" in schema else None
    most = schema.get("maxLength", math.inf)
    allowed = frozenset([schema["const"]] if "const" in schema else schema.get("enum", []))

    def check(value: Any) -> str | None:
        if not isinstance(value, str):
            return ": must be text"
        if allowed and value not in allowed:
            return f": must be one of {', '.join(sorted(allowed))}"
        # No sign counts for more than two, so that most texts need not be counted.
        if 2 * len(value) > most and _utf16_length(value) > most:
            return f": longer than {most}"
        if pattern is not None and pattern.search(value) is None:
            return f": not of the form {pattern.pattern}"
        return None

    half = most // 2

    def check_length(value: Any) -> str | None:
        # All there is to say of most texts.
        return None if type(value) is str and len(value) <= half else check(value)

    return check if allowed or pattern is not None or most == math.inf else check_length


def _utf16_length(text: str) -> int:
    """The length as JavaScript counts it, so that both ends refuse the same texts."""
    if text.isascii():
        return len(text)
    return len(text) + sum(sign > "\uffff" for sign in text)


def _number(schema: dict[str, Any]) -> _Find:
    _only(schema, {"minimum", "maximum", "const"})
    whole = schema["type"] == "integer"
    least = schema.get("minimum", -math.inf)
    most = schema.get("maximum", math.inf)
    # What can be said of a whole number by two comparisons.
    is_bounded = "const" not in schema and math.isfinite(least) and math.isfinite(most)

    def check(value: Any) -> str | None:
        if is_bounded and type(value) is int and least <= value <= most:
            return None
        # True equals 1 in Python, so it has to be turned away by its type.
        if isinstance(value, bool) or not isinstance(value, int | float) or not _finite(value):
            return ": must be a number"
        if whole and value != int(value):
            return ": must be a whole number"
        if "const" in schema and value != schema["const"]:
            return f": must be {schema['const']}"
        if not least <= value <= most:
            return f": must be from {least} to {most}"
        return None

    return check


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        # A whole number beyond a double, which JavaScript reads as infinity.
        return False


def _boolean(schema: dict[str, Any]) -> _Find:
    _only(schema, set())

    def check(value: Any) -> str | None:
        return None if isinstance(value, bool) else ": must be true or false"

    return check


_MAKERS: dict[str, Callable[[dict[str, Any]], _Find]] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "number": _number,
    "integer": _number,
    "boolean": _boolean,
}
