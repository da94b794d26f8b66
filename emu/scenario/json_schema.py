"""A JSON Schema of scenarios and matrices for editors, made from the models that read them.

It knows keys, choices, units and bounds; what spans several keys only ``emu check`` knows.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from emu.scenario.fields import Declared, Named, Nothing, Within, group
from emu.scenario.model import Scenario
from emu.scenario.population import SCENARIOS
from emu.scenario.section import Section
from emu.scenario.services import fixed_or_adaptive
from emu.scenario.units import DURATION, Quantity, percentage
from emu.sweep.matrix import Matrix

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SHARE = {"anyOf": [{"type": "string", "pattern": r"^\d+(\.\d+)? ?%$"}, {"const": 0}]}
_GROUP = {"type": "string", "pattern": "^[fF][fF][0-9A-Fa-f]{2}:[0-9A-Fa-f:.]+$"}


def scenario_schema() -> dict[str, Any]:
    """That of scenarios, for the lab and for virtual time: the kind of topology decides which."""
    references, definitions = _definitions(Scenario, *SCENARIOS.values())
    cases = [_case({"const": kind}, references[model]) for kind, model in SCENARIOS.items()]
    cases.append(_case({"not": {"enum": [*SCENARIOS]}}, references[Scenario]))
    return {"$schema": _DIALECT, "title": "A scenario of emu", "allOf": cases, **definitions}


def matrix_schema() -> dict[str, Any]:
    """That of matrices of ``emu sweep``."""
    references, definitions = _definitions(Matrix)
    return {
        "$schema": _DIALECT,
        "title": "A matrix of emu sweep",
        **references[Matrix],
        **definitions,
    }


def _case(kind: dict[str, Any], then: dict[str, Any]) -> dict[str, Any]:
    topology = {"properties": {"kind": kind}}
    return {"if": {"properties": {"topology": topology}}, "then": then}


def _definitions(
    *models: type[Section],
) -> tuple[dict[type[Section], dict[str, Any]], dict[str, Any]]:
    """The reference to each model's schema, and the definitions that they refer to."""
    found, definitions = models_json_schema(
        [(model, "validation") for model in models], schema_generator=_Generator
    )
    return {model: found[model, "validation"] for model in models}, definitions


class _Generator(GenerateJsonSchema):
    """Values are what a file has, not what the model makes of them: 50ms, and not 50000000."""

    def function_before_schema(
        self, schema: core_schema.BeforeValidatorFunctionSchema
    ) -> JsonSchemaValue:
        """What a reader takes."""
        reader = schema["function"]["function"]
        if isinstance(reader, Within):
            return _written(reader.quantity)
        if reader is percentage:
            return dict(_SHARE)
        if reader is group:
            return dict(_GROUP)
        if reader is fixed_or_adaptive:
            return {"anyOf": [_written(DURATION), {"const": "adaptive"}]}
        inner = super().function_before_schema(schema)
        if isinstance(reader, Declared):
            return {**inner, "enum": reader.registry.names()}
        return {"anyOf": [inner, {"type": "null"}]} if isinstance(reader, Nothing) else inner

    def function_after_schema(
        self, schema: core_schema.AfterValidatorFunctionSchema
    ) -> JsonSchemaValue:
        """What a name must be."""
        checks, inner = schema["function"]["function"], super().function_after_schema(schema)
        return {**inner, "pattern": f"^{checks.pattern}$"} if isinstance(checks, Named) else inner

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        """Where names have a pattern, other names are wrong."""
        found = super().dict_schema(schema)
        return found | ({"additionalProperties": False} if "patternProperties" in found else {})

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """The default as it would be written; none where that would need a section's own."""
        found, default = super().default_schema(schema), schema.get("default")
        quantity = _quantity(schema["schema"])
        if quantity is not None and isinstance(default, int):
            shown = quantity.show(default)
            return {**found, "default": int(shown) if shown.isdecimal() else shown}
        if not isinstance(default, (str, int, float)):
            found.pop("default", None)
        return found

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> JsonSchemaValue:
        """An entry of one kind; one that says no kind of its own may look like several."""
        found = super().tagged_union_schema(schema)
        if "oneOf" in found:
            found["anyOf"] = found.pop("oneOf")
        found.pop("discriminator", None)
        return found

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """With what the source says of each key."""
        found = super().model_schema(schema)
        described = dict(_descriptions(schema["cls"]))
        for name, field in schema["cls"].model_fields.items():
            key = field.alias or name
            if name in described and key in found.get("properties", {}):
                found["properties"][key]["description"] = described[name]
        return found

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Never: a title would be the key again."""
        return False


def _written(quantity: Quantity) -> dict[str, Any]:
    """A number with a unit, in capitals or not; one without is 0, or has the unit left out."""
    units = "|".join(
        "".join(f"[{letter.lower()}{letter.upper()}]" for letter in unit)
        for unit in quantity.units
        if unit
    )
    number = {
        "type": "string",
        "pattern": rf"^\d{{1,20}}(\.\d+)? ?({units})$",
        "examples": [quantity.example],
    }
    plain = {"type": "integer", "minimum": 0} if "" in quantity.units else {"const": 0}
    return {"anyOf": [number, plain]}


def _quantity(schema: Any) -> Quantity | None:
    """Of what a value is read as, if it is one with a unit."""
    while isinstance(schema, dict):
        reader = schema.get("function", {}).get("function") if "function" in schema else None
        if isinstance(reader, Within):
            return reader.quantity
        schema = schema.get("schema")
    return None


def _descriptions(section: type[Section]) -> Iterator[tuple[str, str]]:
    """The fields that have a docstring below them in the source, and what it says."""
    for cls in reversed(section.__mro__):
        if not issubclass(cls, Section) or cls is Section:
            continue
        (body,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
        assert isinstance(body, ast.ClassDef)
        for statement, below in zip(body.body, body.body[1:], strict=False):
            if (
                isinstance(statement, ast.AnnAssign)
                and isinstance(statement.target, ast.Name)
                and isinstance(below, ast.Expr)
                and isinstance(below.value, ast.Constant)
            ):
                yield statement.target.id, " ".join(str(below.value.value).split())
