"""Spans of time as people write them: `250ms`, `30s`, `1h30m`, or ISO 8601 `PT1H30M`."""

from __future__ import annotations

import re
from datetime import timedelta

LONGEST = timedelta(days=36525)
"""A hundred years. Longer spans leave the range of instants that a database can add them to."""

_MILLISECONDS = {"w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
_PARTS = re.compile(r"([0-9]+)(ms|[wdhms])")
_WHOLE = re.compile(r"(?:[0-9]+(?:ms|[wdhms]))+")
_ISO = re.compile(
    r"P(?:([0-9]+)W)?(?:([0-9]+)D)?(?:T(?=[0-9])(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+)(?:[.,]([0-9]{1,3}))?S)?)?"
)
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_WORDY = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]+)")
_UNIT_WORDS = {
    **dict.fromkeys(("ms", "msec", "msecs", "millis", "millisecond", "milliseconds"), "ms"),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), "m"),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("d", "day", "days"), "d"),
    **dict.fromkeys(("w", "wk", "week", "weeks"), "w"),
}
_MOST_DIGITS = 18


class DurationError(ValueError):
    """The text is not a duration; the message says what is wrong and what to write."""


def parse_duration(text: str) -> timedelta:
    """Reads a duration: units `w d h m s ms` from large to small, each at most once, or ISO 8601 without years and
    months.

    Raises `DurationError` for everything else, a bare number and a negative one included, and beyond a hundred years.
    """
    if len(text) > 60 or any(len(digits) > _MOST_DIGITS for digits in re.findall(r"[0-9]+", text)):
        raise DurationError(f"the duration {_shown(text)} is too long; at most {LONGEST.days} days are allowed")
    if _WHOLE.fullmatch(text):
        total = _of_parts(text)
    elif iso := _ISO.fullmatch(text):
        total = _of_iso(iso)
    else:
        raise DurationError(_advice(text))
    if total > LONGEST // timedelta(milliseconds=1):
        raise DurationError(f"the duration {_shown(text)} is too long; at most {LONGEST.days} days are allowed")
    return timedelta(milliseconds=total)


def format_duration(span: timedelta) -> str:
    """Writes a duration so that `parse_duration` gives the same span: largest units first, zero units left out.

    Raises `DurationError` when the span is negative or finer than a millisecond.
    """
    if span < timedelta(0):
        raise DurationError(f"a duration cannot be negative: {span}")
    rest, too_fine = divmod(span, timedelta(milliseconds=1))
    if too_fine:
        raise DurationError(f"a duration counts in whole milliseconds: {span}")
    text = ""
    for unit, size in _MILLISECONDS.items():
        count, rest = divmod(rest, size)
        if count:
            text += f"{count}{unit}"
    return text or "0s"


def _of_parts(text: str) -> int:
    total, smallest = 0, None
    for digits, unit in _PARTS.findall(text):
        size = _MILLISECONDS[unit]
        if smallest is not None and size >= smallest:
            raise DurationError(
                f"the units of {_shown(text)} must go from large to small, each once; write them as in 1d12h or 1h30m"
            )
        smallest = size
        total += int(digits) * size
    return total


def _of_iso(found: re.Match[str]) -> int:
    parts = found.groups()
    if all(part is None for part in parts):
        raise DurationError(f"{_shown(found.string)} names no time; write it as in PT1H30M or 1h30m")
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in parts[:5])
    milliseconds = int((parts[5] or "0").ljust(3, "0"))
    return ((((weeks * 7 + days) * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000 + milliseconds


def _advice(text: str) -> str:
    """Says what is wrong with a text that is no duration, with a fix where one can be guessed."""
    bare = text.strip()
    if not bare:
        return "a duration is missing; write it as in 30s, 5m or 1h30m"
    if _NUMBER.fullmatch(bare):
        whole = bare if "." not in bare else "30"
        return f"{bare} what? write {whole}s for seconds, {whole}m for minutes"
    if bare.startswith("-"):
        return f"a duration cannot be negative: {_shown(text)}; write it as in 30s, 5m or 1h30m"
    if re.fullmatch(r"P.*[0-9]Y.*|P[^T]*[0-9]M.*", bare):
        return f"years and months have no fixed length: {_shown(text)}; count in days, as in 30d or P30D"
    if re.fullmatch(r"[0-9]{1,2}(:[0-9]{2}){1,2}", bare):
        return f"{_shown(text)} is not a duration; write it as in 1h30m"
    if guess := _guess(bare):
        return f"{_shown(text)} is not a duration; write {guess}"
    return f"{_shown(text)} is not a duration; write it as in 250ms, 30s, 5m, 2h, 1d, 1w or 1h30m"


def _guess(text: str) -> str | None:
    """Finds what `30 seconds`, `1.5h` or `5M` most likely mean; None when that cannot be told."""
    if not re.fullmatch(rf"(?:{_WORDY.pattern}[\s,]*(?:and\s+)?)+", text):
        return None
    total = 0.0
    for digits, word in _WORDY.findall(text):
        unit = _UNIT_WORDS.get(word.lower())
        if unit is None:
            return None
        total += float(digits) * _MILLISECONDS[unit]
    span = timedelta(milliseconds=min(round(total), LONGEST // timedelta(milliseconds=1)))
    return format_duration(span)


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")
