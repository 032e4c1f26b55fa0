"""A stage whose topics, or the topic behind its table, have other partitions than they should does not start."""

from __future__ import annotations

import pytest

from runtime.bus.clients import create_topics, make_admin
from runtime.errors import UserError
from runtime.settings import Settings
from schemas.topics import CLUSTERED
from streams.apps import cluster, enrich
from streams.apps.faust.app import changelog

pytestmark = pytest.mark.engine


def made(settings: Settings, name: str, partitions: int) -> None:
    admin = make_admin(settings)
    admin.create_topics({name: {"num_partitions": partitions, "replication_factor": 1, "configs": {}}})
    admin.close()


def test_fewer_in_a_changelog_than_in_its_source(fresh_engine: Settings) -> None:
    create_topics(fresh_engine)
    topic = changelog("enrich", "stories", CLUSTERED.partitions)
    made(fresh_engine, topic.name, 1)  # as a broker makes a topic that somebody asked for
    with pytest.raises(UserError, match=rf"{topic.name} has 1, not 6.*delete them"):
        enrich.make_stage(fresh_engine)
    cluster.make_stage(fresh_engine)  # has nothing to do with it


def test_more_in_a_source_than_the_catalogue_says(fresh_engine: Settings) -> None:
    admin = make_admin(fresh_engine)
    admin.delete_topics([CLUSTERED.name])
    admin.close()
    made(fresh_engine, CLUSTERED.name, 8)
    with pytest.raises(UserError, match=rf"{CLUSTERED.name} has 8, not 6"):
        cluster.make_stage(fresh_engine)
