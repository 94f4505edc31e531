"""The program that listens for callees: `python -m voiceera.lab.hearing_worker`, requests on its input, words on its
output, msgpack after a length of four bytes. It ends when its input does."""

import re
import signal
import struct
import sys
import tempfile
from collections import Counter, OrderedDict
from itertools import pairwise
from math import log10
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import numpy as np
import pocketsphinx
import soxr

LENGTH = struct.Struct("<I")
_RATE = 16000
_KEPT_DECODERS = 4
_BACK_OFF = 0.4
"""Probability kept for words that did not follow in the examples."""


class Listen(msgspec.Struct, frozen=True):
    number: int
    sample_rate: int
    phrases: tuple[str, ...]
    pcm: bytes


class Words(msgspec.Struct, frozen=True):
    number: int
    words: str


def frame(message: msgspec.Struct) -> bytes:
    body = msgspec.msgpack.encode(message)
    return LENGTH.pack(len(body)) + body


def words_of(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


def bigram_model(sentences: list[list[str]]) -> str:
    """An ARPA file of words and pairs: relative frequencies, with a constant share left for backing off."""
    padded = [["<s>", *sentence, "</s>"] for sentence in sentences]
    single = Counter(word for sentence in padded for word in sentence if word != "<s>")
    pairs = Counter(pair for sentence in padded for pair in pairwise(sentence))
    follow = Counter(first for sentence in padded for first in sentence[:-1])
    total = sum(single.values())
    lines = ["\\data\\", f"ngram 1={len(single) + 1}", f"ngram 2={len(pairs)}", "", "\\1-grams:"]
    lines += [f"-99\t<s>\t{log10(_BACK_OFF):.4f}"]
    lines += [f"{log10(count / total):.4f}\t{word}\t{log10(_BACK_OFF):.4f}" for word, count in single.items()]
    lines += ["", "\\2-grams:"]
    lines += [
        f"{log10((1 - _BACK_OFF) * count / follow[first]):.4f}\t{first} {second}"
        for (first, second), count in pairs.items()
    ]
    return "\n".join([*lines, "", "\\end\\", ""])


class Listener:
    def __init__(self) -> None:
        model = Path(pocketsphinx.get_model_path("en-us"))
        self._acoustic = str(model / "en-us")
        self._spellings: dict[str, list[str]] = {}
        for line in (model / "cmudict-en-us.dict").read_text().splitlines():
            entry, _, phones = line.partition(" ")
            self._spellings.setdefault(entry.split("(")[0], []).append(phones)
        self._decoders: OrderedDict[tuple[str, ...], Any] = OrderedDict()

    def listen(self, request: Listen) -> str:
        decoder = self._decoder(request.phrases)
        pcm = np.frombuffer(request.pcm, "<i2")
        if request.sample_rate != _RATE:
            pcm = soxr.resample(pcm, request.sample_rate, _RATE)
        decoder.start_utt()
        decoder.process_raw(pcm.astype("<i2").tobytes(), full_utt=True)
        decoder.end_utt()
        hypothesis = decoder.hyp()
        return "" if hypothesis is None else hypothesis.hypstr

    def _decoder(self, phrases: tuple[str, ...]) -> Any:
        if phrases in self._decoders:
            self._decoders.move_to_end(phrases)
            return self._decoders[phrases]
        while len(self._decoders) >= _KEPT_DECODERS:
            self._decoders.popitem(last=False)
        decoder = self._decoders[phrases] = self._build(phrases)
        return decoder

    def _build(self, phrases: tuple[str, ...]) -> Any:
        sentences = [[word for word in words_of(phrase) if word in self._spellings] for phrase in phrases]
        vocabulary = sorted({word for sentence in sentences for word in sentence})
        with tempfile.TemporaryDirectory() as folder:
            dictionary, model = Path(folder, "words.dict"), Path(folder, "words.lm")
            dictionary.write_text("".join(map(self._entry, vocabulary)))
            model.write_text(bigram_model(sentences))
            return pocketsphinx.Decoder(
                hmm=self._acoustic, dict=str(dictionary), lm=str(model), loglevel="FATAL", samprate=_RATE
            )

    def _entry(self, word: str) -> str:
        ways = self._spellings[word]
        return "".join(f"{word}{f'({index})' if index > 1 else ''} {way}\n" for index, way in enumerate(ways, 1))


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    listener = Listener()
    decode = msgspec.msgpack.Decoder(Listen).decode
    while len(header := requests.read(LENGTH.size)) == LENGTH.size:
        request = decode(requests.read(LENGTH.unpack(header)[0]))
        answers.write(frame(Words(request.number, listener.listen(request))))
        answers.flush()


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the lab decides when to end
    try:
        serve(sys.stdin.buffer, sys.stdout.buffer)
    except BrokenPipeError:
        sys.exit(0)


if __name__ == "__main__":
    main()
