"""The parts of the clusterer, each against a plain definition of what it does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from schemas.readings import Entity
from streams.stories.cells import Cells, Centres
from streams.stories.centering import StreamMeans
from streams.stories.linkage import Linkage
from streams.stories.model import SIGNALS, START, Weights
from streams.stories.sketches import Projection
from streams.stories.story import Story
from streams.stories.terms import ENTITY, NUMBER, PLACE, kind_of, pack_terms, read_terms, skeleton, unpack_terms
from streams.stories.vectors import DIMENSIONS, Vector, pack, quantise, quantise_rows, unpack

from .conftest import article


def test_vectors_keep_their_direction_in_512_characters() -> None:
    vector = np.random.default_rng(0).normal(size=DIMENSIONS)
    vector /= np.linalg.norm(vector)
    small = quantise(vector)
    assert len(pack(small)) == 512
    assert (unpack(pack(small)) == small).all()
    assert float(small @ vector) / np.linalg.norm(small.astype(float)) > 0.999
    assert not quantise(np.full(DIMENSIONS, np.nan)).any()


def test_centering_alone_and_in_rows_is_the_same_to_the_last_bit() -> None:
    vectors = quantise_rows(np.random.default_rng(1).normal(size=(60, DIMENSIONS)) + 0.5)
    languages = ["en", "ar", "xx"] * 20
    means = StreamMeans.estimate((x, str(i), v) for i, (x, v) in enumerate(zip(languages, vectors, strict=True)))
    again = StreamMeans.load(means.dump())
    rows = means.center_rows(vectors, languages)
    for vector, language, row in zip(vectors, languages, rows, strict=True):
        assert (again.center(vector, language) == row).all()
    assert means.length("en") > 0.15
    assert means.length("never seen") == 0


def test_a_burst_does_not_pull_the_mean_to_its_event() -> None:
    random = np.random.default_rng(2)
    burst = quantise(random.normal(size=DIMENSIONS))
    others = quantise_rows(random.normal(size=(40, DIMENSIONS)))
    articles = [("en", "burst", burst)] * 500 + [("en", f"s{i}", v) for i, v in enumerate(others)]
    centred = StreamMeans.estimate(articles).center(burst, "en")
    assert float(centred @ burst.astype(np.float32)) / 256**2 > 0.95


def test_the_linkage_does_what_it_says() -> None:
    """Against the definition, computed anew for all pairs of clusters at each step."""
    random = np.random.default_rng(3)
    points = random.normal(size=(40, 6)) + 2 * random.normal(size=(5, 6))[random.integers(5, size=40)]
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    closeness, shared, detail = (points @ points.T).astype(np.float32), random.random(40) * 0.4, random.random(40)
    np.fill_diagonal(closeness, 1.0)
    weights = replace(START, cohesion=0.8, width=0.7, grown=0.3)
    clusters = [[i] for i in range(40)]

    def between(a: list[int], b: list[int]) -> float:
        mean = closeness[np.ix_(a, b)].mean()
        widths, known = [], []
        for c in (a, b):
            pairs = [closeness[i, j] for i in c for j in c if i != j]
            widths.append(max((sum(pairs) + 6 * 0.7) / (len(pairs) + 6), 0.01))
            known.append((len(c) - 1) / (len(c) + 2) * detail[c].mean())
        common = START.weight("common") * shared[a].mean() * shared[b].mean()
        return float(mean / (widths[0] * widths[1]) ** 0.4 + common - 0.3 * known[0] * known[1])

    while True:
        pairs = [(between(a, b), a, b) for i, a in enumerate(clusters) for b in clusters[:i]]
        score, a, b = max(pairs, key=lambda pair: pair[0])
        if score < 0.6:
            break
        clusters = [c for c in clusters if c is not a and c is not b] + [a + b]
    labels = Linkage(closeness.copy(), shared, detail, weights).run(0.6)
    assert 1 < len(clusters) < 40
    assert {frozenset(np.flatnonzero(labels == x)) for x in set(labels)} == {frozenset(c) for c in clusters}


def test_items_joined_beforehand_stay_together() -> None:
    closeness = np.full((4, 4), -1.0, np.float32)
    np.fill_diagonal(closeness, 1.0)
    linkage = Linkage(closeness, np.zeros(4), np.ones(4), START)
    linkage.join([2, 0])
    linkage.join([2, 3])
    assert linkage.run(0.5).tolist() == [0, 1, 0, 0]


def make_stories(sums: Vector) -> list[Story]:
    stories = [Story(f"s{i:05d}") for i in range(len(sums))]
    for story, total in zip(stories, sums, strict=True):
        story.put(total)
    return stories


@pytest.mark.parametrize("count", [20, 3_000, 6_000])
def test_the_search_finds_the_nearest(count: int) -> None:
    """Of few stories all are looked at, of more the best sketches, of many the nearest cells."""
    random = np.random.default_rng(5)
    spread = np.linspace(3, 0.2, DIMENSIONS)  # as embeddings have it: some directions tell more than others
    sums = quantise_rows(random.normal(size=(count, DIMENSIONS)) * spread).astype(np.float32)
    stories = make_stories(sums)
    projection = Projection.learn(stories)
    assert (projection.dump() is None) == (count == 20)
    centres = Centres.choose(projection, stories, projection.rows(sums, np.array([s.length for s in stories])))
    assert (centres.cells > 1) == (count == 6_000)
    cells = Cells(centres)
    for story in stories:
        cells.put(story)
    for i in range(0, count, max(1, count // 40)):
        asked = quantise(sums[i] + 4 * random.normal(size=DIMENSIONS) * spread).astype(np.float32)
        found = cells.nearest(asked, 5)
        assert found[0][1].id == f"s{i:05d}"
        assert found[0][0] == pytest.approx(float(sums[i] @ asked) / stories[i].length)


def test_what_is_learnt_of_the_stories_does_not_hang_on_their_order_and_is_kept() -> None:
    random = np.random.default_rng(7)
    sums = quantise_rows(random.normal(size=(1_500, DIMENSIONS))).astype(np.float32)
    stories = make_stories(sums)
    learnt = Projection.learn(stories)
    assert learnt.dump() is not None
    assert Projection.learn(stories[::-1]).dump() == learnt.dump()
    kept = Projection.load(learnt.dump())
    lengths = np.array([story.length for story in stories])
    assert (kept.rows(sums, lengths) == learnt.rows(sums, lengths)).all()
    assert (kept.sketch(sums[3], stories[3].length) == learnt.rows(sums, lengths)[3]).all()
    assert not learnt.sketch(np.zeros(DIMENSIONS, np.float32), 0.0).any()


def test_cells_do_not_depend_on_the_order_of_events() -> None:
    random = np.random.default_rng(6)
    sums = quantise_rows(random.normal(size=(400, DIMENSIONS))).astype(np.float32)
    centres = Centres(sketches=Projection().rows(sums[:8], np.full(8, 256.0)))
    assert (Centres.load(centres.dump())._sketches == centres._sketches).all()

    def index(order: list[int]) -> Cells:
        cells = Cells(centres)
        for i in [*range(50), *order]:  # some are put twice, and all of the first fifty are taken out
            story = Story(f"s{i:05d}")
            story.put(sums[i])
            cells.put(story)
            if i < 50:
                cells.take(story)
        return cells

    one, other = index(list(range(50, 400))), index(list(range(399, 49, -1)))
    for asked in sums[:30]:
        assert [(p, s.id) for p, s in one.nearest(asked, 9)] == [(p, s.id) for p, s in other.nearest(asked, 9)]


@pytest.mark.parametrize(
    "names", [("Guinea", "Guinée", "غينيا"), ("Putin", "Путин", "بوتين"), ("Bayraktar", "Байрактар")]
)
def test_names_have_one_skeleton_in_all_scripts(names: tuple[str, ...]) -> None:
    bones = {skeleton(name) for name in names}
    assert len(bones) == 1, bones


def test_terms_of_an_article() -> None:
    read = article("terms-0001", np.ones(384), title="Poland buys 32 F-35 jets", text="٣٢ طائرة").model_copy(
        update={"entities": [Entity(id="Q36", type="place", name="Poland", country="PL")]}
    )
    terms = read_terms(read)
    kinds = [kind_of(t) for t in terms.tolist()]
    assert kinds.count(NUMBER) == 2  # 32, which is written in two scripts, and 35
    assert kinds.count(PLACE) == kinds.count(ENTITY) == 1
    assert (unpack_terms(pack_terms(terms)) == terms).all()
    assert len(read_terms(read.model_copy(update={"text": "слово " * 50_000}))) < 200


def test_weights_name_the_signals_of_the_code() -> None:
    weights = Weights.load()
    assert Weights.parse(weights.dump()) == weights
    stored = weights.dump()
    del stored["signals"][SIGNALS[0]]
    with pytest.raises(ValueError, match="similarity"):
        Weights.parse(stored)
