"""Stories and articles for the web's tests, made by hand: what the pipeline would have left in the index."""

from __future__ import annotations

from datetime import UTC, datetime

from elasticsearch import Elasticsearch

from consumers.index.documents import alert_document, article_document, story_document
from consumers.index.ready import ensure_indices
from schemas.alerts import Alert
from schemas.articles import Decision, EnrichedArticle, StoryBrief
from schemas.ids import alert_id, article_id, story_id
from schemas.readings import Deal, Entity, Evidence, Mention, Money
from schemas.stories import DealEvidence, Story, StoryArticle, StoryDeal, StoryEntity

HOSTILE = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"

TEXTS = {
    "en": ("Vietnam buys 40 K9 howitzers from South Korea", "Vietnam signed a contract to buy 40 K9 howitzers from "
           "South Korea.\n\nThe first eight guns arrive in 2028.\n\nCrews are to be trained abroad."),
    "ar": ("فيتنام تشتري 40 مدفع هاوتزر من كوريا الجنوبية",
           "وقعت فيتنام عقدا لشراء 40 مدفع هاوتزر K9 من كوريا الجنوبية."),
    "ko": ("베트남, K9 자주포 40문 도입 계약", "베트남이 한국에서 K9 자주포 40문을 구매하는 계약을 체결했다."),
}  # fmt: skip


def at(hour: int, day: int = 16) -> datetime:
    return datetime(2026, 11, day, hour, 10, tzinfo=UTC)


def mention(full: str, word: str) -> list[Mention]:
    start = full.find(word)
    return [Mention(start=start, end=start + len(word), text=word)] if start >= 0 else []


def article(
    language: str, title: str, text: str, story: str, hour: int, *, deal: bool, url: str | None = None
) -> EnrichedArticle:
    full = f"{title}\n{text}"
    id_ = article_id(source=f"{language}-paper.example", external_id=title)
    weapon = Entity(
        id="pw:weapon:k9", type="weapon", name="K9 Thunder", kind="system", country="KR", mentions=mention(full, "K9")
    )
    country = Entity(
        id="Q884", type="place", name="South Korea", kind="country", country="KR", mentions=mention(full, "South Korea")
    )
    sentence = text.split("\n")[0]
    start = full.find(sentence, len(title))
    evidence = Evidence(start=start, end=start + len(sentence), text=sentence)
    deals = [
        Deal(act="sale", status="reported", supplier=["Q884"], recipient=["Q881"], weapons=["pw:weapon:k9"], score=0.95,
             quantity=40, evidence=evidence)
    ] if deal else []  # fmt: skip
    return EnrichedArticle(
        id=id_, source=f"{language}-paper.example", title=title, text=text, language=language, language_confidence=0.99,
        url=url or f"https://{language}-paper.example/{id_}", collected=at(hour), published=at(hour),
        embedding=[1.0] + [0.0] * 383, entities=[weapon, country] if deal else [], deals=deals, arms_deal=deal,
        arms_deal_score=0.95 if deal else 0.02, story_id=story,
        decision=Decision(new_story=hour == 6, candidates=0), version=hour,
        story=StoryBrief(title=title, languages=[language], sources=[], article_count=1, first_seen=at(6), version=1),
    )  # fmt: skip


def story_of(id_: str, articles: list[EnrichedArticle], *, version: int = 1) -> Story:
    languages = list(dict.fromkeys(a.language for a in articles))
    deals = [
        StoryDeal(
            id="d1", act="sale", status="reported", supplier=["Q884"], recipient=["Q881"], weapons=["pw:weapon:k9"],
            score=0.97, quantity=40, amount=Money(value=8e8, currency="USD", text="$800 million"),
            evidence=[
                DealEvidence(**a.deals[0].evidence.model_dump(), article_id=a.id, language=a.language, act="sale",
                             status="reported", score=0.95)
                for a in articles
            ],
        )
    ] if articles[0].arms_deal else []  # fmt: skip
    named = [
        StoryEntity(id="pw:weapon:k9", type="weapon", name="K9 Thunder", articles=3,
                    spellings={"en": ["K9"], "ko": ["K9 자주포"]}),
        StoryEntity(id="Q884", type="place", name="South Korea", kind="country", country="KR", articles=3,
                    spellings={"ar": ["كوريا الجنوبية"]}),
        StoryEntity(id="Q881", type="place", name="Vietnam", kind="country", country="VN", articles=2),
    ] if deals else []  # fmt: skip
    return Story(
        id=id_, title=articles[0].title, titles={a.language: a.title for a in articles}, languages=languages,
        sources=[a.source for a in articles],
        articles=[
            StoryArticle(id=a.id, language=a.language, source=a.source, title=a.title, url=a.url, when=a.when)
            for a in articles
        ],
        article_count=len(articles), first_seen=min(a.when for a in articles), last_seen=max(a.when for a in articles),
        entities=named, deals=deals, arms_deal=bool(deals), arms_deal_score=0.97 if deals else 0.0, version=version,
    )  # fmt: skip


def alert_of(story: Story, *, name: str = "Arms deals", revision: int = 1) -> Alert:
    first = story.articles[0]
    return Alert(
        id=alert_id("sub", story.id), kind="new" if revision == 1 else "update", revision=revision,
        subscription_id="sub",
        subscription_name=name, story_id=story.id, title=story.title, article_id=first.id, article_title=first.title,
        article_url=first.url, language=first.language, languages=story.languages, sources=story.sources,
        article_count=story.article_count, deals=story.deals, at=story.last_seen,
    )  # fmt: skip


HOWITZERS, FROGS, EVIL, GONE = (story_id(name) for name in ("howitzers", "frogs", "evil", "gone"))


def stories() -> dict[str, tuple[Story, list[EnrichedArticle]]]:
    howitzers = [article(code, *words, HOWITZERS, 6 + n, deal=True) for n, (code, words) in enumerate(TEXTS.items())]
    frogs = [article("ms", "Katak terbang baharu ditemui", "Spesies baharu ditemui di Sarawak.", FROGS, 12, deal=False)]
    evil = [article("en", f"Evil {HOSTILE}", f"Evil text {HOSTILE}", EVIL, 3, deal=False, url="javascript:alert(1)")]
    merged = story_of(GONE, frogs).model_copy(update={"merged_into": FROGS, "articles": [], "article_count": 0})
    return {
        HOWITZERS: (story_of(HOWITZERS, howitzers), howitzers),
        FROGS: (story_of(FROGS, frogs), frogs),
        EVIL: (story_of(EVIL, evil), evil),
        GONE: (merged, []),
    }


def fill(es: Elasticsearch, prefix: str) -> None:
    """Put everything into the index, through the same documents that the indexer writes."""
    ensure_indices(es, prefix)
    for story, articles in stories().values():
        es.index(index=f"{prefix}-stories", id=story.id, document=story_document(story))
        for one in articles:
            es.index(index=f"{prefix}-articles", id=one.id, document=article_document(one))
    alert = alert_of(stories()[HOWITZERS][0])
    es.index(index=f"{prefix}-alerts", id=alert.id, document=alert_document(alert))
    es.indices.refresh(index=f"{prefix}-*")
