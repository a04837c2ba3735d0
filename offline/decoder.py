"""One PocketSphinx search in a process of its own: ``python -m offline.decoder everything|commands``.

A process, because PocketSphinx holds Python's lock while it searches: up to 40 ms at a time, and 340 ms were seen on a
busy machine, in which no audio callback of the program could run. So two searches also use two processors.

stdin is as `child.py` says; stdout: one JSON line ``{"text": ..., "score": ...}`` when the models are loaded, and one
per utterance.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pocketsphinx
from pocketsphinx.lm import ArpaBoLM

from offline.child import LENGTH, RATE
from offline.sentences import sentences


def main(search: str, stdin: BinaryIO) -> None:
    """Recognise utterances until stdin ends."""
    decoder = _commands() if search == "commands" else _everything()
    _recognize(decoder, iter([bytes(RATE)]))  # the first utterance pays for what is loaded late
    print(json.dumps({"text": "", "score": 0.0}), flush=True)  # noqa: T201 - the protocol
    while message := stdin.read(LENGTH.size):
        stdout = _recognize(decoder, _utterance(stdin, message))
        print(json.dumps(stdout), flush=True)  # noqa: T201 - the protocol


def _utterance(stdin: BinaryIO, message: bytes) -> Iterator[bytes]:
    while length := LENGTH.unpack(message)[0]:
        yield stdin.read(length)
        message = stdin.read(LENGTH.size)
        if len(message) < LENGTH.size:
            sys.exit()


def _recognize(decoder: pocketsphinx.Decoder, sound: Iterator[bytes]) -> dict[str, str | float]:
    decoder.start_utt()
    for pcm in sound:
        decoder.process_raw(pcm)
    decoder.end_utt()
    best = decoder.hyp()
    return {"text": best.hypstr, "score": best.best_score} if best else {"text": "", "score": -1e9}


def _everything() -> pocketsphinx.Decoder:
    """Any English, with the language model that PocketSphinx brings."""
    return _decoder()


def _commands() -> pocketsphinx.Decoder:
    """What people say to this assistant, and no word beside it."""
    spoken = list(sentences())
    model = ArpaBoLM(text="\n".join(spoken), add_start=True)
    model.compute()
    words = {word for sentence in spoken for word in sentence.split()}
    with tempfile.TemporaryDirectory() as folder:
        model.write_file(str(Path(folder, "commands.lm")))
        Path(folder, "commands.dict").write_text("".join(pronunciations(words)), encoding="utf-8")
        files = {"lm": str(Path(folder, "commands.lm")), "dict": str(Path(folder, "commands.dict"))}
        return _decoder(**files)


def _decoder(**files: str) -> pocketsphinx.Decoder:
    # A second pass over the whole sentence made 8.9 % wrong words of 10.4 %, but came 85 ms later (measured).
    return pocketsphinx.Decoder(pocketsphinx.Config(samprate=RATE, loglevel="FATAL", fwdflat=False, **files))


def pronunciations(words: set[str]) -> Iterator[str]:
    """Yield the dictionary's lines for these words; further pronunciations are written ``word(2)``."""
    with Path(pocketsphinx.get_model_path("en-us"), "cmudict-en-us.dict").open(encoding="utf-8") as dictionary:
        yield from (line for line in dictionary if line.split(maxsplit=1)[0].partition("(")[0] in words)


if __name__ == "__main__":
    main(sys.argv[1], sys.stdin.buffer)
