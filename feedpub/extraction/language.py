"""The language of a text, only where it is beyond doubt; and language tags in their usual spelling."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

_SURE = 0.99
_MIN_LETTERS = 60
# Characters of scripts without spaces between words say more each.
_MIN_IDEOGRAPHS = 20
# Most texts are decided by the first sample; time goes with its length. In characters.
_SAMPLES = (250, 600, 1_200)
_MAX_SCANNED = 3_000
_URL = re.compile(r"https?://\S++|www\.\S++")
# The classifier also knows Norwegian as a whole, which either written form is.
_WHOLE = {"nb": "no", "nn": "no"}
_IDEOGRAPH = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")
_TAG = re.compile(
    r"([A-Za-z]{2,3})(?:[-_]([A-Za-z]{4}))?(?:[-_]([A-Za-z]{2}|[0-9]{3}))?((?:[-_](?:[A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*)"
    r"(?:\.[A-Za-z0-9-]+)?\Z"
)


def detect(text: str) -> str | None:
    """The language that `text` is written in, as a BCP 47 primary subtag ("en"), or None.

    None unless there are at least 60 letters (20 in scripts like Chinese) and the classifier gives
    one language a probability of .99 or more. Only the beginning of the text is looked at.
    """
    scanned = text[:_MAX_SCANNED]
    if "://" in scanned or "www." in scanned:
        scanned = _URL.sub(" ", scanned)
    scanned = " ".join(scanned.split())
    for length in _SAMPLES:
        sample = scanned[:length]
        letters = sum(map(str.isalpha, sample))
        if letters < _MIN_LETTERS and len(_IDEOGRAPH.findall(sample)) < _MIN_IDEOGRAPHS:
            return None
        found = _sure_of(sample)
        if found or len(scanned) <= length:
            return found
    return None


def _sure_of(sample: str) -> str | None:
    identifier = _identifier()
    name, probability = identifier.classify(sample)
    if probability < _SURE and name in _WHOLE:
        probability += dict(identifier.rank(sample))[_WHOLE[name]]
    return str(name) if probability >= _SURE else None


def normalise(tag: str) -> str | None:
    """A language tag as BCP 47 recommends to write it ("en-GB", "zh-Hant-TW"), or None if it is none.

    Locale names ("en_GB.UTF-8") are understood; names of languages ("English") are not.
    https://www.rfc-editor.org/rfc/rfc5646#section-2.1.1
    """
    match = _TAG.match(tag.strip()[:60])
    if match is None or match[1].lower() in ("und", "mul", "zxx", "mis"):
        return None
    parts = [match[1].lower()]
    if match[2]:
        parts.append(match[2].capitalize())
    if match[3]:
        parts.append(match[3].upper())
    return "-".join(parts) + match[4].replace("_", "-").lower()


@lru_cache(maxsize=1)
def _identifier() -> Any:
    import numpy as np
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    class Identifier(LanguageIdentifier):  # type: ignore[misc]
        """The same verdicts from the features that a text has instead of all 7,480: a fifth of the time."""

        def nb_classprobs(self, fv: Any) -> Any:
            """Log-probabilities of the classes. The library's product also sets every processor spinning."""
            present = fv.nonzero()[0]
            return fv[present].astype(float) @ self.nb_ptc[present] + self.nb_pc

        def norm_probs(self, pd: Any) -> Any:
            """Probabilities of the classes."""
            shares = np.exp(pd - pd.max())
            return shares / shares.sum()

    identifier = Identifier.from_pickled_model(MODEL_FILE, norm_probs=True)
    del identifier.norm_probs  # the instance's own would come before the method
    return identifier
