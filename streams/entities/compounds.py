"""Countries by one character each, two together: 中美关系, 日米首脳会談, 한미 정상회담.

The characters are words of their own elsewhere (其中, 日本), so the pair counts only before a word for what countries
have with one another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from streams.entities.entries import countries
from streams.entities.span import Span

_LETTERS: Final = {
    "zh": {
        "中": "CN", "美": "US", "俄": "RU", "日": "JP", "英": "GB", "法": "FR", "德": "DE", "韩": "KR", "韓": "KR",
        "朝": "KP", "印": "IN", "台": "TW", "乌": "UA", "烏": "UA", "以": "IL", "伊": "IR", "澳": "AU", "加": "CA",
        "越": "VN", "菲": "PH", "土": "TR", "巴": "PK",
    },
    "ja": {
        "日": "JP", "米": "US", "中": "CN", "ロ": "RU", "露": "RU", "韓": "KR", "朝": "KP", "英": "GB", "仏": "FR",
        "独": "DE", "印": "IN", "台": "TW", "豪": "AU", "加": "CA", "越": "VN", "比": "PH",
    },
    "ko": {"한": "KR", "미": "US", "중": "CN", "일": "JP", "러": "RU", "북": "KP", "영": "GB", "불": "FR", "독": "DE"},
}  # fmt: skip
_BETWEEN: Final = {
    "zh": (
        "关系 關係 两国 兩國 双边 雙邊 贸易 貿易 战争 戰爭 冲突 衝突 领导人 "
        "領導人 元首 首脑 首腦 外长 会谈 會談 会晤 峰会 峰會 合作 同盟 联盟 "
        "对话 對話 协议 协定 談判 谈判 边境 边界 邊境 之间 之間 三国 联合 "
        "聯合 军演 防长 总统 總統 竞争 对抗 摩擦 争端 经贸 友好 建交"
    ),
    "ja": (
        "関係 両国 首脳 会談 貿易 同盟 合意 協議 外相 国境 間 安保 戦争 "
        "摩擦 対立 共同 交渉 防衛 連合 両政府 両軍 三国 3カ国 協力 条約"
    ),
    "ko": "관계 정상 회담 동맹 무역 갈등 양국 협상 연합 합의 협정 공동 외교 국방 전쟁 간",
}  # fmt: skip
"""Words for what countries have with one another."""
_PATTERNS: Final = {
    language: re.compile(rf"[{''.join(letters)}]{{2,3}}(?= ?(?:{_BETWEEN[language].replace(' ', '|')}))")
    for language, letters in _LETTERS.items()
}


def find(text: str, language: str) -> Iterator[Span]:
    """A span for each country of each pair (or three) of them."""
    pattern = _PATTERNS.get(language)
    if pattern is None:
        return
    letters = _LETTERS[language]
    for match in pattern.finditer(text):
        for position in range(match.start(), match.end()):
            yield Span(position, position + 1, countries()[letters[text[position]]].id)
