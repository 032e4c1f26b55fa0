"""What any bytes on any topic are: a message, or refused with a reason. Nothing else comes out of decoding."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.codec import InvalidMessage, decode
from schemas.topics import Topic
from tests.poison.kinds import TOPICS, as_bytes, good, kinds

_BY_THE_STAGE = ("key", "future", "cannot be used")
"""Reasons that decoding does not know of."""
CASES = [
    pytest.param(topic, make, id=f"{topic.name}: {name}") for topic in TOPICS for name, make in kinds(topic).items()
]


@pytest.mark.parametrize(("topic", "make"), CASES)
def test_what_can_never_work_is_refused_with_its_reason(topic: Topic, make: Any) -> None:
    assert topic.model is not None
    for n in range(6):
        bad = make(topic, n)
        if bad.reason in _BY_THE_STAGE:
            decode(topic.model, bad.value)
            continue
        with pytest.raises(InvalidMessage) as refused:
            decode(topic.model, bad.value)
        assert bad.reason in refused.value.reason
        assert 0 < len(refused.value.reason) < 2_000
        if len(bad.value or b"") > 100_000:
            break


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_a_topic_has_forty_kinds_of_poison_and_good_neighbours(topic: Topic) -> None:
    assert len(kinds(topic)) >= 40
    assert topic.model is not None
    for n in range(3):
        decode(topic.model, as_bytes(good(topic, n)[1]))
