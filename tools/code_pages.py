"""Generator of src/onboarding/files/code_pages.txt: frequencies of three letters in groups of languages.

The word frequencies are those of wordfreq (https://github.com/rspeer/wordfreq; data CC BY-SA 4.0), which nothing else
needs: `pip install wordfreq==3.1.1`, then `python -m tools.code_pages`.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

from onboarding.files import code_pages

PAGE = Path(__file__).parents[1] / "src" / "onboarding" / "reading" / "code_pages.txt"

_RAREST = -15.0

# The languages of a group, their code page, and the score of the rarest triple to store: for letters other than Latin
# ones, the triples of short words suffice.
GROUPS: dict[str, tuple[str, str, float]] = {
    "western": ("de en fr es it pt nl da sv nb fi ca is", "cp1252", _RAREST),
    "central": ("pl cs sk hu ro sl sh", "cp1250", _RAREST),
    "turkish": ("tr", "cp1254", _RAREST),
    "baltic": ("lv lt", "cp1257", _RAREST),
    "vietnamese": ("vi", "cp1258", _RAREST),
    "cyrillic": ("ru uk bg mk", "cp1251", -9),
    "greek": ("el", "cp1253", -9),
}
WORDS = 60_000
"""Number of words of each language, the most frequent first."""

_RARE = 1e-6

# Words that are frequent in product files but not in other texts.
_OF_PRODUCTS = "häagen škoda tiramisù champú romã lã ladies’ girls’ boys’ kids’ babies’ äöü"

# wordfreq counts ß as ss, and lacks umlauts as words.
_GERMAN = (
    "groß große großer großes größe größer größte größen übergröße straße straßen weiß weiße weißer weißes heiß heiße "
    "heißer süß süße süßer fuß füße fußball barfuß außen außer außerdem draußen maß maße maßband spaß gruß grüße "
    "gießen gießkanne schließen schließt schließlich verschluss schweiß schweißen fleiß fleißig heißt dreißig reißen "
    "reißverschluss beißen beißring strauß fließen fließend stoßen stoß anstoß stoßfest stößel floß schoß schloß soße "
    "soßen bloß gefäß gefäße gesäß gemäß regelmäßig mäßig preußen meißel meißen äußere weißwein spieß grillspieß "
    "süßstoff süßwaren fußmatte fußboden fußpflege fußstütze weißgold weißblech großpackung grußkarte straßenlampe "
    "heißluft "
    "soßenlöffel außenleuchte gießform schließfach verschließbar reißfest maßstab füßling maßgefertigt "
    "grießbrei klöße rußfilter eiweiß imbiß äöü äöüß nuß haselnuß kuß faß fässer schlußverkauf naß biß"
)

_LEAST_OF_A_LETTER = -5.6

# Romanian letters as in code pages.
_CEDILLAS = str.maketrans("șțȘȚ", "şţŞŢ")


def words(language: str) -> Iterator[tuple[str, float]]:
    """Yield the words with letters outside ASCII and their frequencies."""
    wordfreq = import_module("wordfreq")
    if language == "de":
        for word in _GERMAN.split():
            yield word, max(wordfreq.word_frequency(word, language), _RARE)
    for entry in wordfreq.top_n_list(language, WORDS):
        for word in re.split(r"[-'’]", entry.translate(_CEDILLAS)):
            if word.isalpha() and not word.isascii():
                yield word, wordfreq.word_frequency(entry, language)


def frequencies(languages: str, codec: str, counts: Callable[[str], bool] = bool) -> dict[str, float]:
    """Return the logarithm of each triple's probability in the language where it is most frequent."""
    best: dict[str, float] = {}
    for language in languages.split():
        weights: dict[str, float] = defaultdict(float)
        for word, frequency in words(language):
            if counts(word) and word.encode(codec, "ignore").decode(codec) == word:
                bounded = f"_{word}_"
                for triple in (bounded[at : at + 3] for at in range(len(word))):
                    if not triple.isascii():
                        # The square root gives weight to rare words, which are frequent in product names.
                        weights[triple] += math.sqrt(frequency)
        total = sum(weights.values())
        for triple, weight in weights.items():
            best[triple] = max(best.get(triple, -math.inf), math.log(weight / total))
    return best


def page(counts: Callable[[str], bool] = bool) -> str:
    """Return the file: for each group, lines of a score and all triples with it."""
    text = (
        "# Written by tools/code_pages.py from the word frequencies of wordfreq 3.1.1 (data: CC BY-SA 4.0).\n"
        "# Each line: the natural logarithm of a probability, and the triples of letters that have it. Under\n"
        "# [words]: frequent words that those do not decide.\n"
    )
    for group, (languages, codec, least) in GROUPS.items():
        by_score: dict[float, list[str]] = defaultdict(list)
        for triple, score in frequencies(languages, codec, counts).items():
            # Single letters are words in some languages, but mostly noise in word lists.
            if score >= (_LEAST_OF_A_LETTER if least == _RAREST and triple[::2] == "__" else least):
                by_score[round(2 * score) / 2].append(triple)
        text += f"[{group}]\n"
        text += "".join(f"{score} {''.join(sorted(triples))}\n" for score, triples in sorted(by_score.items()))
    return text


def frequent_words() -> set[str]:
    """Return the frequent Western words, and English ones with a typographic apostrophe."""
    codec = GROUPS["western"][1]
    found = {
        word
        for language in ("de", "en", "fr", "es", "it", "pt", "nl", "da", "sv", "nb", "fi")
        for word, frequency in words(language)
        if len(word) > 2 and frequency >= 2 * _RARE and word.encode(codec, "ignore").decode(codec) == word
    }
    english = import_module("wordfreq").top_n_list("en", WORDS)
    return (
        found
        | set(_OF_PRODUCTS.split())
        | {word.replace("'", "’") for word in english if re.fullmatch("[a-z]+'[a-z]+", word)}
    )


def undecided(known: set[str]) -> list[str]:
    """Return the words whose letters are no evidence, without those that are words in another code page."""
    others = {
        (codec, language): {word for word, _ in words(language)}
        for codec, _, group, _ in code_pages.OTHERS
        for language in GROUPS[group][0].split()
    }

    def is_another(word: str) -> bool:
        content = word.encode("cp1252")
        readings = {codec: content.decode(codec, "replace").lower() for codec, *_ in code_pages.OTHERS}
        return any(readings[codec] != word and readings[codec] in their for (codec, _), their in others.items())

    return sorted(word for word in known if code_pages.find_code_page_doubt(word.encode("cp1252")) and not is_another(word))


if __name__ == "__main__":
    text = page()
    PAGE.write_text(f"{text}[words]\n", encoding="utf-8")
    PAGE.write_text(f"{text}[words]\n{' '.join(undecided(frequent_words()))}\n", encoding="utf-8")
