"""Writes `deploy/kibana/polywire.ndjson`: what Kibana shows of polywire, as saved objects to import.

    python deploy/kibana/build.py

Kibana keeps charts as JSON inside JSON strings, with references by made-up names between them. Here they are described
in a few lines each; the file is checked in so that importing it needs nothing but curl, and a test fails when it is not
what this script writes.

The format is that of Kibana 8.8 to 8.11, which later 8.x and 9.x upgrade on import (a newer one would be refused by an
older server): dashboards hold their Lens charts by value; nested state is a JSON string; every data view that a panel
uses is listed in the references of the dashboard under `PANEL:indexpattern-datasource-layer-LAYER`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

OUTPUT = Path(__file__).with_name("polywire.ndjson")

ARTICLES, STORIES, ALERTS = "polywire-articles", "polywire-stories", "polywire-alerts"
"""Aliases of the indices, and the ids of the data views on them."""

LIVING = "NOT merged_into:*"
"""Lucene: a story that went up in another one stays in the index under its old id."""
ARMING = f"arms_deal:true AND {LIVING}"

LAYER = "layer"
PANEL_VERSION = "8.11.0"
SAVED_SEARCH = "polywire-arms-deals"
DASHBOARD = "polywire-overview"

Json = dict[str, Any]


def compact(value: object) -> str:
    """Nested state, as Kibana stores it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def saved_object(kind: str, id: str, version: str, attributes: Json, references: Sequence[Json] = ()) -> Json:
    return {
        "id": id,
        "type": kind,
        "attributes": attributes,
        "references": list(references),
        "coreMigrationVersion": "8.8.0",
        "typeMigrationVersion": version,
    }


def reference(name: str, kind: str, id: str) -> Json:
    return {"name": name, "type": kind, "id": id}


# --- data views -------------------------------------------------------------------------------------------------------


def data_view(alias: str, name: str, time_field: str, formats: Json) -> Json:
    attributes = {
        "title": alias,
        "name": name,
        "timeFieldName": time_field,
        "fieldFormatMap": compact(formats),
        "fieldAttrs": "{}",
        "fields": "[]",
        "runtimeFieldMap": "{}",
        "sourceFilters": "[]",
        "typeMeta": "{}",
    }
    return saved_object("index-pattern", alias, "7.11.0", attributes)


PERCENT = {"id": "percent", "params": {"pattern": "0%"}}
LINK = {"id": "url", "params": {"type": "a", "openLinkInCurrentTab": False}}


# --- charts -----------------------------------------------------------------------------------------------------------


def count(label: str) -> Json:
    return {
        "label": label,
        "customLabel": True,
        "dataType": "number",
        "operationType": "count",
        "isBucketed": False,
        "scale": "ratio",
        "sourceField": "___records___",
        "params": {"emptyAsNull": False},
    }


def over_time(source_field: str, label: str) -> Json:
    return {
        "label": label,
        "customLabel": True,
        "dataType": "date",
        "operationType": "date_histogram",
        "sourceField": source_field,
        "isBucketed": True,
        "scale": "interval",
        "params": {"interval": "auto", "includeEmptyRows": True, "dropPartials": False},
    }


def most_frequent(source_field: str, label: str, size: int, *, other: bool = False) -> Json:
    """The `size` values with the most documents; the rest as one more where `other`."""
    return {
        "label": label,
        "customLabel": True,
        "dataType": "string",
        "operationType": "terms",
        "sourceField": source_field,
        "isBucketed": True,
        "scale": "ordinal",
        "params": {
            "size": size,
            "orderBy": {"type": "column", "columnId": "value"},
            "orderDirection": "desc",
            "otherBucket": other,
            "missingBucket": False,
            "parentFormat": {"id": "terms"},
        },
    }


def each_number(source_field: str, label: str, size: int) -> Json:
    """A bar for each value of a small whole number, in ascending order."""
    column = most_frequent(source_field, label, size)
    column["dataType"] = "number"
    column["params"] |= {"orderBy": {"type": "alphabetical", "fallback": False}, "orderDirection": "asc"}
    return column


@dataclass
class Chart:
    """A Lens chart of one layer. `columns` are in the order of their buckets, the metric (`value`) last."""

    title: str
    view: str
    kind: str
    visualization: Json
    columns: dict[str, Json]
    query: str = ""
    """Lucene, as in subscriptions."""
    description: str = ""

    def attributes(self) -> Json:
        layer = {"columns": self.columns, "columnOrder": list(self.columns), "incompleteColumns": {}, "sampling": 1}
        return {
            "title": self.title,
            "description": self.description,
            "visualizationType": self.kind,
            "type": "lens",
            "references": [reference(f"indexpattern-datasource-layer-{LAYER}", "index-pattern", self.view)],
            "state": {
                "visualization": self.visualization,
                "query": {"query": self.query, "language": "lucene"},
                "filters": [],
                "datasourceStates": {"formBased": {"layers": {LAYER: layer}}, "textBased": {"layers": {}}},
                "internalReferences": [],
                "adHocDataViews": {},
            },
        }


def number(title: str, view: str, label: str, query: str = "") -> Chart:
    state = {"layerId": LAYER, "layerType": "data", "metricAccessor": "value"}
    return Chart(title, view, "lnsMetric", state, {"value": count(label)}, query)


def bars(title: str, view: str, columns: dict[str, Json], query: str = "", description: str = "") -> Chart:
    """Bars along column `x`, stacked by column `split` where there is one."""
    layer = {
        "layerId": LAYER,
        "layerType": "data",
        "seriesType": "bar_stacked",
        "position": "top",
        "showGridlines": False,
        "accessors": ["value"],
        "xAccessor": "x",
    }
    if "split" in columns:
        layer["splitAccessor"] = "split"
    state = {
        "preferredSeriesType": "bar_stacked",
        "legend": {"isVisible": "split" in columns, "position": "right"},
        "valueLabels": "hide",
        "fittingFunction": "None",
        "axisTitlesVisibilitySettings": {"x": True, "yLeft": True, "yRight": True},
        "tickLabelsVisibilitySettings": {"x": True, "yLeft": True, "yRight": True},
        "gridlinesVisibilitySettings": {"x": False, "yLeft": True, "yRight": True},
        "labelsOrientation": {"x": 0, "yLeft": 0, "yRight": 0},
        "layers": [layer],
    }
    return Chart(title, view, "lnsXY", state, columns, query, description)


def grid(title: str, view: str, columns: dict[str, Json], query: str = "", description: str = "") -> Chart:
    """A cell for each pair of column `x` and column `y`, darker the higher its `value`."""
    state = {
        "shape": "heatmap",
        "layerId": LAYER,
        "layerType": "data",
        "xAccessor": "x",
        "yAccessor": "y",
        "valueAccessor": "value",
        "legend": {"type": "heatmap_legend", "isVisible": False, "position": "right", "maxLines": 1},
        "gridConfig": {
            "type": "heatmap_grid",
            "isCellLabelVisible": True,
            "isXAxisLabelVisible": True,
            "isYAxisLabelVisible": True,
            "isXAxisTitleVisible": True,
            "isYAxisTitleVisible": True,
        },
    }
    return Chart(title, view, "lnsHeatmap", state, columns, query, description)


# --- saved search and dashboard ---------------------------------------------------------------------------------------


def search(id: str, title: str, description: str, view: str, query: str, columns: list[str], newest: str) -> Json:
    source = {
        "query": {"query": query, "language": "lucene"},
        "filter": [],
        "highlightAll": True,
        "version": True,
        "indexRefName": "kibanaSavedObjectMeta.searchSourceJSON.index",
    }
    attributes = {
        "title": title,
        "description": description,
        "columns": columns,
        "sort": [[newest, "desc"]],
        "kibanaSavedObjectMeta": {"searchSourceJSON": compact(source)},
    }
    to_view = reference("kibanaSavedObjectMeta.searchSourceJSON.index", "index-pattern", view)
    return saved_object("search", id, "7.9.3", attributes, [to_view])


@dataclass
class Place:
    """Where on the dashboard's grid of 48 columns; what is a chart, or the id of a saved search."""

    what: Chart | str
    x: int
    y: int
    w: int
    h: int


@dataclass
class Dashboard:
    id: str
    title: str
    description: str
    places: list[Place]
    references: list[Json] = field(default_factory=list)

    def panel(self, index: str, place: Place) -> Json:
        """A panel; what it refers to is added to the dashboard's references."""
        position = {"x": place.x, "y": place.y, "w": place.w, "h": place.h, "i": index}
        panel: Json = {"version": PANEL_VERSION, "gridData": position, "panelIndex": index}
        if isinstance(place.what, str):
            name = f"panel_{index}"
            self.references.append(reference(f"{index}:{name}", "search", place.what))
            return panel | {"type": "search", "embeddableConfig": {"enhancements": {}}, "panelRefName": name}
        attributes = place.what.attributes()
        for inner in attributes["references"]:
            self.references.append(inner | {"name": f"{index}:{inner['name']}"})
        config = {"attributes": attributes, "hidePanelTitles": False, "enhancements": {}}
        return panel | {"type": "lens", "title": place.what.title, "embeddableConfig": config}

    def saved(self) -> Json:
        self.references = []
        panels = [self.panel(str(number), place) for number, place in enumerate(self.places, start=1)]
        options = {
            "useMargins": True,
            "syncColors": True,
            "syncCursor": True,
            "syncTooltips": False,
            "hidePanelTitles": False,
        }
        attributes = {
            "title": self.title,
            "description": self.description,
            "panelsJSON": compact(panels),
            "optionsJSON": compact(options),
            "version": 1,
            "timeRestore": True,
            "timeFrom": "now-7d",
            "timeTo": "now",
            "refreshInterval": {"pause": False, "value": 30_000},
            "kibanaSavedObjectMeta": {
                "searchSourceJSON": compact({"query": {"query": "", "language": "lucene"}, "filter": []})
            },
        }
        return saved_object("dashboard", self.id, "8.7.0", attributes, self.references)


# --- what there is ----------------------------------------------------------------------------------------------------


def saved_objects() -> list[Json]:
    """All of it, each object after those that it refers to."""
    deals = search(
        SAVED_SEARCH,
        "Arms-deal mentions",
        "Every article, in any language, that speaks of arms passing from one party to another; the newest first.",
        ARTICLES,
        "arms_deal:true",
        [
            "title", "language", "source", "supplier_name", "recipient_name", "weapon_name", "act", "arms_deal_score",
            "story_title",
        ],
        newest="when",
    )  # fmt: skip
    overview = Dashboard(
        DASHBOARD,
        "polywire: stories across languages",
        "What came in, how it joins across languages, and who is said to arm whom.",
        [
            Place(number("Articles", ARTICLES, "articles"), 0, 0, 12, 5),
            Place(number("Stories", STORIES, "stories", LIVING), 12, 0, 12, 5),
            Place(number("Stories with an arms deal", STORIES, "stories", ARMING), 24, 0, 12, 5),
            Place(number("Alerts", ALERTS, "alerts"), 36, 0, 12, 5),
            Place(
                bars(
                    "Articles by language over time",
                    ARTICLES,
                    {
                        "split": most_frequent("language", "language", 12, other=True),
                        "x": over_time("when", "published"),
                        "value": count("articles"),
                    },
                ),
                0, 5, 48, 12,
            ),
            Place(
                bars(
                    "Stories by number of languages",
                    STORIES,
                    {"x": each_number("language_count", "languages", 30), "value": count("stories")},
                    LIVING,
                    description="A story told in one language only is at the left.",
                ),
                0, 17, 24, 15,
            ),
            Place(
                grid(
                    "Deals by supplier and recipient",
                    STORIES,
                    {
                        "x": most_frequent("supplier_name", "supplier", 15),
                        "y": most_frequent("recipient_name", "recipient", 15),
                        "value": count("stories"),
                    },
                    ARMING,
                    "Stories that speak of a transfer, whatever came of it; one of several deals counts for each pair.",
                ),
                24, 17, 24, 15,
            ),
            Place(SAVED_SEARCH, 0, 32, 48, 18),
        ],
    )  # fmt: skip
    return [
        data_view(ARTICLES, "polywire articles", "when", {"arms_deal_score": PERCENT, "url": LINK}),
        data_view(STORIES, "polywire stories", "last_seen", {"arms_deal_score": PERCENT}),
        data_view(ALERTS, "polywire alerts", "when", {}),
        deals,
        overview.saved(),
    ]


def ndjson() -> str:
    return "".join(f"{compact(item)}\n" for item in saved_objects())


if __name__ == "__main__":
    OUTPUT.write_text(ndjson(), encoding="utf-8")
    print(f"{OUTPUT.name}: {len(saved_objects())} saved objects")
