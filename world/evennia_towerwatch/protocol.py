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


def load_protocol() -> Protocol:
    """The protocol as printed into this package."""
    return Protocol(SCHEMA_FILE.read_bytes(), OPERATIONS_FILE.read_bytes())


def loads(text: str) -> Any:
    """Parse JSON as JavaScript does: NaN and Infinity are errors (ValueError)."""
    return json.loads(text, parse_constant=_no_constant)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def compile_schema(schema: dict[str, Any]) -> Check:
    """Make a check of one schema. Raises SchemaError for a keyword or type that is not known."""
    if "anyOf" in schema:
        _only(schema, {"anyOf"})
        return _any_of([compile_schema(part) for part in schema["anyOf"]])
    kind = schema.get("type")
    maker = _MAKERS.get(kind) if isinstance(kind, str) else None
    if maker is None:
        raise SchemaError(f"unknown type {kind!r} in the schema")
    return maker(schema)


def _only(schema: dict[str, Any], known: set[str]) -> None:
    unknown = set(schema) - known - {"$schema", "type"}
    if unknown:
        raise SchemaError(f"unknown keywords {sorted(unknown)} in the schema")


def _any_of(checks: list[Check]) -> Check:
    def check(value: Any, path: str) -> str | None:
        if any(one(value, path) is None for one in checks):
            return None
        return f"{path}: none of the allowed kinds"

    return check


def _object(schema: dict[str, Any]) -> Check:
    _only(schema, {"properties", "required", "additionalProperties", "propertyNames"})
    properties = {name: compile_schema(part) for name, part in schema.get("properties", {}).items()}
    required = schema.get("required", [])
    names = compile_schema(schema["propertyNames"]) if "propertyNames" in schema else None
    rest = schema.get("additionalProperties", True)
    rest_check = compile_schema(rest) if isinstance(rest, dict) else None

    def check(value: Any, path: str) -> str | None:
        if not isinstance(value, dict):
            return f"{path}: must be an object"
        for name in required:
            if name not in value:
                return f"{path}: {name} is missing"
        for name, inner in value.items():
            if not isinstance(name, str):
                return f"{path}: a key is not text"
            if names is not None and names(name, path) is not None:
                return f"{path}: {name[:40]!r} is not an allowed key"
            one = properties.get(name)
            if one is None:
                if rest is False:
                    return f"{path}: unknown key {name[:40]!r}"
                one = rest_check
            if one is not None and (error := one(inner, f"{path}.{name[:40]}")) is not None:
                return error
        return None

    return check


def _array(schema: dict[str, Any]) -> Check:
    _only(schema, {"items", "maxItems"})
    item = compile_schema(schema["items"])
    most = schema.get("maxItems", math.inf)

    def check(value: Any, path: str) -> str | None:
        # A tuple never comes from JSON but is what Evennia may make of a list.
        if not isinstance(value, list | tuple):
            return f"{path}: must be a list"
        if len(value) > most:
            return f"{path}: more than {most} items"
        for index, inner in enumerate(value):
            if (error := item(inner, f"{path}[{index}]")) is not None:
                return error
        return None

    return check


def _string(schema: dict[str, Any]) -> Check:
    _only(schema, {"pattern", "maxLength", "enum", "const"})
    pattern = re.compile(schema["pattern"]) if "pattern" in schema else None
    most = schema.get("maxLength")
    allowed = frozenset([schema["const"]] if "const" in schema else schema.get("enum", []))

    def check(value: Any, path: str) -> str | None:
        if not isinstance(value, str):
            return f"{path}: must be text"
        if allowed and value not in allowed:
            return f"{path}: must be one of {', '.join(sorted(allowed))}"
        if most is not None and _utf16_length(value) > most:
            return f"{path}: longer than {most}"
        if pattern is not None and pattern.search(value) is None:
            return f"{path}: not of the form {pattern.pattern}"
        return None

    return check


def _utf16_length(text: str) -> int:
    """The length as JavaScript counts it, so that both ends refuse the same texts."""
    return len(text) + sum(sign > "\uffff" for sign in text)


def _number(schema: dict[str, Any]) -> Check:
    _only(schema, {"minimum", "maximum", "const"})
    whole = schema["type"] == "integer"
    least = schema.get("minimum", -math.inf)
    most = schema.get("maximum", math.inf)

    def check(value: Any, path: str) -> str | None:
        # True equals 1 in Python, so it has to be turned away by its type.
        if isinstance(value, bool) or not isinstance(value, int | float) or not _finite(value):
            return f"{path}: must be a number"
        if whole and value != int(value):
            return f"{path}: must be a whole number"
        if "const" in schema and value != schema["const"]:
            return f"{path}: must be {schema['const']}"
        if not least <= value <= most:
            return f"{path}: must be from {least} to {most}"
        return None

    return check


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        # A whole number beyond a double, which JavaScript reads as infinity.
        return False


def _boolean(schema: dict[str, Any]) -> Check:
    _only(schema, set())

    def check(value: Any, path: str) -> str | None:
        return None if isinstance(value, bool) else f"{path}: must be true or false"

    return check


_MAKERS: dict[str, Callable[[dict[str, Any]], Check]] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "number": _number,
    "integer": _number,
    "boolean": _boolean,
}
