"""One phrase, listened for in a process of its own: ``python -m offline.keyphrase computer``; `decoder.py` says why.

stdin is as `child.py` says; stdout: one JSON line for each of its messages, null, or when the phrase has been heard,
how many ms before the end of that message it ended.
"""

from __future__ import annotations

import json
import sys
from typing import BinaryIO

import pocketsphinx

from offline.child import LENGTH, RATE

FRAME_MS = 10
"""The decoder's step."""
STRICTEST = 1e-8
"""The least likely that a phrase may be against all else, for phrases of up to 6 sounds..."""
PER_SOUND = 1e-5
"""...and for each sound more this much less: a product over the phrase. `benchmarks/wake.py` measures what it does."""
SHORT_SOUNDS = 6
LOOSEST = 1e-50
"""However long the phrase: the product would become 0 some day."""


def main(phrase: str, stdin: BinaryIO) -> None:
    """Listen until stdin ends."""
    decoder = _decoder(phrase)
    decoder.start_utt()
    heard = 0
    while len(head := stdin.read(LENGTH.size)) == LENGTH.size:
        pcm = stdin.read(LENGTH.unpack(head)[0])
        if pcm:
            decoder.process_raw(pcm)
        heard += len(pcm)
        ago = _ago(decoder, heard)
        if ago is not None or not pcm:
            decoder.end_utt()
            decoder.start_utt()
            heard = 0
        print(json.dumps(ago), flush=True)  # noqa: T201 - the protocol


def _decoder(phrase: str) -> pocketsphinx.Decoder:
    decoder = pocketsphinx.Decoder(samprate=RATE, loglevel="FATAL", keyphrase=phrase)
    sounds = sum(len(decoder.lookup_word(word).split()) for word in phrase.split())
    decoder.config["kws_threshold"] = max(LOOSEST, STRICTEST * PER_SOUND ** max(0, sounds - SHORT_SOUNDS))
    decoder.reinit()
    return decoder


def _ago(decoder: pocketsphinx.Decoder, heard: int) -> int | None:
    """Return how many ms ago the phrase ended, None when it has not been heard; `heard` is in bytes."""
    if decoder.hyp() is None:
        return None
    end = max(int(segment.end_frame) for segment in decoder.seg())
    return max(0, heard * 1000 // (2 * RATE) - end * FRAME_MS)


if __name__ == "__main__":
    main(sys.argv[1], sys.stdin.buffer)
