"""Telling subscriptions of articles, many at a time, in the order that consumers.alerter promises for each.

What two articles say to one subscription about one story depends on each other, and so does what one article says
under two stories: such pairs come one after the other, in waves. The pairs of one wave take each step together, so
that a wave costs three requests, however many pairs it has.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from consumers.alerts.memory import AlertMemory, Key, Write
from consumers.alerts.updates import ArticleMemory, StoryMemory, inherited, new_alert, next_step, update
from runtime.logs import get_logger
from schemas.alerts import Alert, Subscription
from schemas.articles import EnrichedArticle

log = get_logger(__name__)

_RACES = 5
"""Times that another worker may write in between before it is taken for an outage."""

Publish = Callable[[Sequence[Alert]], None]
"""Publishes alerts; returns when Kafka has acknowledged them."""


class Wanted(NamedTuple):
    """An article that a subscription asks for. `number`: which of the caller's articles it is."""

    subscription: Subscription
    article: EnrichedArticle
    number: int

    @property
    def story_key(self) -> Key:
        return self.subscription.id, self.article.story_id

    @property
    def article_key(self) -> Key:
        return self.subscription.id, self.article.id


@dataclass
class Told:
    """What became of articles, by their numbers."""

    told: set[int] = field(default_factory=set)
    left: set[int] = field(default_factory=set)
    """There was no time for all of their pairs."""
    failures: dict[int, list[str]] = field(default_factory=dict)


@dataclass
class _Known:
    """What memory says, as far as it was asked and as we have changed it since."""

    stories: dict[Key, StoryMemory | None] = field(default_factory=dict)
    articles: dict[Key, ArticleMemory | None] = field(default_factory=dict)


class Teller:
    """Raises what memory and `publish` raise: what was not told to its end is told again."""

    def __init__(self, memory: AlertMemory, publish: Publish) -> None:
        self._memory = memory
        self._publish = publish

    def tell(self, wanted: Sequence[Wanted], hurry: Callable[[], bool]) -> Told:
        """Tell of the articles, in their order; of the first wave in any case, of a later one while there is time."""
        result, known, waves = Told(), _Known(), waves_of(wanted)
        self._recall(wanted, known)
        for number, wave in enumerate(waves):
            if number and hurry():
                result.left = {one.number for rest in waves[number:] for one in rest}
                break
            self._wave(wave, known, result)
        return result

    def _wave(self, wave: Sequence[Wanted], known: _Known, result: Told) -> None:
        for _ in range(_RACES):
            self._recall(wave, known)
            wave = self._try(wave, known, result)
            if not wave:
                return
        raise ConnectionError(f"another worker keeps writing the alert of story {wave[0].article.story_id}")

    def _recall(self, wanted: Collection[Wanted], known: _Known) -> None:
        """Step 1, for what is not known yet or no longer."""
        stories = {one.story_key for one in wanted} - known.stories.keys()
        articles = {one.article_key for one in wanted} - known.articles.keys()
        if stories or articles:
            found = self._memory.recall(sorted(stories), sorted(articles))
            known.stories.update(found[0])
            known.articles.update(found[1])

    def _try(self, wave: Sequence[Wanted], known: _Known, result: Told) -> list[Wanted]:
        """Steps 2 to 6 for each of a wave; returns those to be decided on again."""
        again: list[Wanted] = []
        unfinished: list[StoryMemory] = []
        writes: list[tuple[Wanted, Write]] = []
        origins = self._origins(wave, known)
        for one in wave:
            story, mark = known.stories[one.story_key], known.articles[one.article_key]
            step = next_step(one.article, story, mark)
            if step in {"skip", "known"}:
                continue
            if story is not None and not story.published:
                unfinished.append(story)
                if step == "publish":
                    result.told.add(one.number)
                else:
                    again.append(one)
                continue
            try:
                writes.append((one, _write(one, story, origins)))
            except Exception as error:
                # The others are served first; then the article goes to the dead letters with this.
                why = f"subscription {one.subscription.id}: {type(error).__name__}: {error}"
                result.failures.setdefault(one.number, []).append(why)
        heirs: list[StoryMemory] = []
        for (one, write), stored in zip(writes, self._memory.remember([w for _, w in writes]), strict=True):
            if stored is None:
                del known.stories[one.story_key]
                again.append(one)
            elif stored.published:
                heirs.append(stored)
                log.info("story counts as told", story=one.article.story_id, alert=write.alert.id)
            else:
                unfinished.append(stored)
                result.told.add(one.number)
        self._finish(unfinished, heirs, known)
        return again

    def _origins(self, wave: Sequence[Wanted], known: _Known) -> dict[Key, StoryMemory | None]:
        """Under which stories articles were told, by the articles, where that is another story than theirs now."""
        told = {
            one.article_key: (one.subscription.id, mark.story_id)
            for one in wave
            if known.stories[one.story_key] is None and (mark := known.articles[one.article_key])
        }
        if missing := set(told.values()) - known.stories.keys():
            known.stories.update(self._memory.recall(sorted(missing), ())[0])
        return {key: known.stories[story] for key, story in told.items()}

    def _finish(self, unfinished: Sequence[StoryMemory], heirs: Sequence[StoryMemory], known: _Known) -> None:
        """Steps 4 to 6."""
        for one in heirs:
            known.stories[one.alert.subscription_id, one.alert.story_id] = one
        alerts = [one.alert for one in unfinished]
        for alert in (marked := [*alerts, *(one.alert for one in heirs)]):
            known.articles[alert.subscription_id, alert.article_id] = ArticleMemory(alert.story_id)
        self._memory.mark(marked)
        self._publish(alerts)
        stored = self._memory.remember([Write(one.alert, one, published=True) for one in unfinished])
        for alert, memory in zip(alerts, stored, strict=True):
            key = alert.subscription_id, alert.story_id
            if memory is None:
                known.stories.pop(key, None)  # lost against another worker, who has done the same
            else:
                known.stories[key] = memory
            log.info(
                "alert" if alert.kind == "new" else "alert updated",
                alert=alert.id,
                revision=alert.revision,
                subscription=alert.subscription_id,
                story=alert.story_id,
                languages=alert.languages,
                title=alert.title,
            )


def waves_of(wanted: Sequence[Wanted]) -> list[list[Wanted]]:
    """The pairs in waves: none depends on one of the same wave, and each comes after those before it that it does
    depend on."""
    waves: list[list[Wanted]] = []
    last: dict[tuple[str, Key], int] = {}
    for one in wanted:
        keys = ("story", one.story_key), ("article", one.article_key)
        wave = max(last.get(key, -1) for key in keys) + 1
        last.update(dict.fromkeys(keys, wave))
        if wave == len(waves):
            waves.append([])
        waves[wave].append(one)
    return waves


def _write(one: Wanted, story: StoryMemory | None, origins: dict[Key, StoryMemory | None]) -> Write:
    if story is not None:
        return Write(update(story.alert, one.subscription, one.article), story, published=False)
    alert = new_alert(one.subscription, one.article)
    if one.article_key not in origins:
        return Write(alert, None, published=False)
    origin = origins[one.article_key]
    return Write(inherited(origin.alert if origin else alert, one.subscription, one.article), None, published=True)
