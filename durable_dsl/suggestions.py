"""Guesses what a misspelt word was meant to be."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_LONGEST = 60


def find_similar(word: str, known: Iterable[str], likeness: float = 0.6) -> str | None:
    """Gives the known word that `word` most likely means, or None; case, dashes and blanks are slips of the pen."""
    if len(word) > _LONGEST:
        return None
    plain = _plain(word)
    words: dict[str, str] = {}
    for candidate in known:
        words.setdefault(_plain(candidate), candidate)
    if plain in words:
        return words[plain]
    close = get_close_matches(plain, words, n=1, cutoff=likeness)
    return words[close[0]] if close else None


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """Gives the hint `did you mean 'x'?`, or None when no known word is near."""
    similar = find_similar(word, known)
    return f"did you mean '{similar}'?" if similar is not None else None


def _plain(word: str) -> str:
    return word.strip().lower().replace("-", "_").replace(" ", "_")
