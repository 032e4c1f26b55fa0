"""Kibana's saved objects: in the format that its import takes, on fields that the indices have, and up to date.

Kibana is not run by any test. What is checked is what its importer and its charts rely on: versions it can upgrade,
references that lead somewhere, columns that exist, and fields of a type that the chart's aggregation takes.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from luqum.parser import parser
from luqum.tree import SearchField
from luqum.visitor import TreeVisitor

from consumers.index.templates import INDICES, mapping

KIBANA = Path(__file__).parents[2] / "deploy" / "kibana"
NDJSON = KIBANA / "polywire.ndjson"

OBJECTS: list[dict[str, Any]] = [json.loads(line) for line in NDJSON.read_text(encoding="utf-8").splitlines()]
BY_ID = {item["id"]: item for item in OBJECTS}

KNOWN_VERSIONS = {"index-pattern": "7.11.0", "search": "7.9.3", "dashboard": "8.7.0"}
"""Versions of each type that Kibana 8.19 upgrades from."""
GROUPABLE = {"keyword", "boolean", "integer", "long", "short", "date", "float", "double"}


def fields(alias: str) -> dict[str, str]:
    """Every field of the index behind `alias` with its type, nested ones under their dotted names."""
    name = alias.removeprefix("polywire-")
    assert name in INDICES

    def walk(properties: dict[str, Any], prefix: str) -> dict[str, str]:
        found = {}
        for key, value in properties.items():
            found[prefix + key] = "nested" if value.get("type") == "nested" else value.get("type", "object")
            # Kibana can neither group nor show a column of nested fields.
            if value.get("type") != "nested":
                found |= walk(value.get("properties", {}), f"{prefix}{key}.")
        return found

    return walk(mapping(name)["properties"], "")


def of_type(kind: str) -> list[dict[str, Any]]:
    return [item for item in OBJECTS if item["type"] == kind]


def panels(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(dashboard["attributes"]["panelsJSON"])
    return found


DASHBOARD = of_type("dashboard")[0]
CHARTS = [panel for panel in panels(DASHBOARD) if panel["type"] == "lens"]


def chart_title(panel: dict[str, Any]) -> str:
    return str(panel["title"])


class Names(TreeVisitor):
    """The fields that a Lucene query names."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def visit_search_field(self, node: SearchField, context: Any) -> Any:
        self.found.add(node.name)
        yield from self.generic_visit(node, context)


def queried(query: dict[str, str]) -> set[str]:
    assert query["language"] == "lucene"
    if not query["query"]:
        return set()
    names = Names()
    names.visit(parser.parse(query["query"]))
    return names.found


def test_the_file_is_what_the_script_writes() -> None:
    spec = importlib.util.spec_from_file_location("kibana_build", KIBANA / "build.py")
    assert spec
    assert spec.loader
    build = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = build  # dataclasses look their module up by name
    spec.loader.exec_module(build)
    assert NDJSON.read_text(encoding="utf-8") == build.ndjson(), "stale: run `python deploy/kibana/build.py`"


@pytest.mark.parametrize("item", OBJECTS, ids=lambda item: item["id"])
def test_object_has_the_envelope_of_an_export(item: dict[str, Any]) -> None:
    assert set(item) == {"id", "type", "attributes", "references", "coreMigrationVersion", "typeMigrationVersion"}
    assert item["coreMigrationVersion"] == "8.8.0"
    assert item["typeMigrationVersion"] == KNOWN_VERSIONS[item["type"]]
    assert item["attributes"]["title"]


def test_there_are_the_data_views_the_search_and_the_dashboard() -> None:
    assert Counter(item["type"] for item in OBJECTS) == {"index-pattern": 3, "search": 1, "dashboard": 1}
    assert len(BY_ID) == len(OBJECTS)


def test_references_lead_to_objects_that_come_before() -> None:
    seen: set[tuple[str, str]] = set()
    for item in OBJECTS:
        names = [ref["name"] for ref in item["references"]]
        assert len(set(names)) == len(names)
        for ref in item["references"]:
            assert (ref["type"], ref["id"]) in seen, ref
        seen.add((item["type"], item["id"]))


@pytest.mark.parametrize("view", of_type("index-pattern"), ids=lambda item: item["id"])
def test_data_view_is_on_an_alias_and_its_fields(view: dict[str, Any]) -> None:
    attributes = view["attributes"]
    known = fields(attributes["title"])
    assert known[attributes["timeFieldName"]] == "date"
    for name, fmt in json.loads(attributes["fieldFormatMap"]).items():
        assert name in known
        assert set(fmt) == {"id", "params"}
    for nested in ("fieldAttrs", "fields", "runtimeFieldMap", "sourceFilters", "typeMeta"):
        assert isinstance(attributes[nested], str)
        json.loads(attributes[nested])


def test_search_shows_arms_deals_newest_first_by_fields_there_are() -> None:
    search = of_type("search")[0]
    attributes = search["attributes"]
    source = json.loads(attributes["kibanaSavedObjectMeta"]["searchSourceJSON"])
    ref = next(ref for ref in search["references"] if ref["name"] == source["indexRefName"])
    assert ref["name"] == "kibanaSavedObjectMeta.searchSourceJSON.index"
    known = fields(BY_ID[ref["id"]]["attributes"]["title"])
    assert queried(source["query"]) == {"arms_deal"}
    assert known["arms_deal"] == "boolean"
    assert set(attributes["columns"]) <= set(known)
    assert [(known[name], order) for name, order in attributes["sort"]] == [("date", "desc")]


def test_panels_fill_the_grid_without_overlap() -> None:
    places = [panel["gridData"] for panel in panels(DASHBOARD)]
    for place in places:
        assert min(place["x"], place["y"]) >= 0
        assert min(place["w"], place["h"]) > 0
        assert place["x"] + place["w"] <= 48
    for a, b in combinations(places, 2):
        apart = (
            a["x"] + a["w"] <= b["x"]
            or b["x"] + b["w"] <= a["x"]
            or a["y"] + a["h"] <= b["y"]
            or b["y"] + b["h"] <= a["y"]
        )
        assert apart, (a, b)


def test_panels_and_the_dashboards_references_agree() -> None:
    wanted = set()
    for panel in panels(DASHBOARD):
        index = panel["panelIndex"]
        assert panel["gridData"]["i"] == index
        if panel["type"] == "search":
            wanted.add((f"{index}:{panel['panelRefName']}", "search"))
            continue
        for ref in panel["embeddableConfig"]["attributes"]["references"]:
            wanted.add((f"{index}:{ref['name']}", ref["type"]))
    assert {(ref["name"], ref["type"]) for ref in DASHBOARD["references"]} == wanted


@pytest.mark.parametrize("panel", CHARTS, ids=chart_title)
def test_charts_columns_are_on_fields_that_can_be_grouped(panel: dict[str, Any]) -> None:
    attributes = panel["embeddableConfig"]["attributes"]
    layers = attributes["state"]["datasourceStates"]["formBased"]["layers"]
    for id, layer in layers.items():
        view = next(r["id"] for r in attributes["references"] if r["name"] == f"indexpattern-datasource-layer-{id}")
        known = fields(BY_ID[view]["attributes"]["title"])
        assert layer["columnOrder"] == list(layer["columns"])
        buckets = [column["isBucketed"] for column in layer["columns"].values()]
        assert buckets == sorted(buckets, reverse=True), "buckets come before metrics"
        for column in layer["columns"].values():
            kind = known.get(column["sourceField"])
            match column["operationType"]:
                case "count":
                    assert column["sourceField"] == "___records___"
                case "date_histogram":
                    assert kind == "date"
                case "terms":
                    assert kind in GROUPABLE
                    assert column["dataType"] == ("string" if kind == "keyword" else "number")
                    order = column["params"]["orderBy"]
                    assert order["type"] == "alphabetical" or order["columnId"] in layer["columns"]
                case other:
                    pytest.fail(f"{other} is not checked here")
        assert queried(attributes["state"]["query"]) <= set(known)


@pytest.mark.parametrize("panel", CHARTS, ids=chart_title)
def test_charts_draw_columns_they_have(panel: dict[str, Any]) -> None:
    attributes = panel["embeddableConfig"]["attributes"]
    layers = attributes["state"]["datasourceStates"]["formBased"]["layers"]
    drawn = attributes["state"]["visualization"]
    match attributes["visualizationType"]:
        case "lnsXY":
            used = {
                layer["layerId"]: {*layer["accessors"], layer["xAccessor"], layer.get("splitAccessor")} - {None}
                for layer in drawn["layers"]
            }
        case "lnsMetric":
            used = {drawn["layerId"]: {drawn["metricAccessor"]}}
        case "lnsHeatmap":
            used = {drawn["layerId"]: {drawn["xAccessor"], drawn["yAccessor"], drawn["valueAccessor"]}}
            assert drawn["gridConfig"]["type"] == "heatmap_grid"
            assert drawn["legend"]["type"] == "heatmap_legend"
        case other:
            pytest.fail(f"{other} is not checked here")
    assert used == {id: set(layer["columns"]) for id, layer in layers.items()}


def test_dashboard_answers_the_three_questions() -> None:
    grouped = {}
    for panel in CHARTS:
        layers = panel["embeddableConfig"]["attributes"]["state"]["datasourceStates"]["formBased"]["layers"]
        columns = [column for layer in layers.values() for column in layer["columns"].values()]
        grouped[panel["title"]] = {column["sourceField"] for column in columns if column["isBucketed"]}
    assert grouped["Articles by language over time"] == {"language", "when"}
    assert grouped["Stories by number of languages"] == {"language_count"}
    assert grouped["Deals by supplier and recipient"] == {"supplier_name", "recipient_name"}
