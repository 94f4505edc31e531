"""Sound to words: a beam search over the model's pieces of words, drawn towards what is expected.

Every hypothesis is scored by the model and, with a smaller weight, by how likely its words are in this call (shallow
fusion, Gulcehre et al. 2015), a word's beginning by the likeliest word that begins so. What is said clearly is heard,
expected or not; what could be two things is heard as the expected one.
"""

import math
import os
import re
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voiceera.providers.speech.neural.expectations import Expectations
from voiceera.providers.speech.neural.weights import DECODER, ENCODER, TOKENS, read_tokens
from voiceera.rules.language_model import START, Words

RATE = 16000
LONGEST_SECONDS = 24
"""The model has learned from pieces of speech up to half a minute."""
_SHORTEST_SAMPLES = RATE // 4
_BEAM = 4
_TRIED = 12
"""Tokens of each hypothesis that are looked at."""
_EXPECTED_WEIGHT = 0.35
_TOKENS_A_SECOND, _TOKENS_MORE = 6.5, 6
_SAMPLES_A_STATE = 384
"""The decoder wants the mask of the sound, and takes every 384th of it: one for each of the encoder's states."""
_START, _END = 1, 2
_SPELLED = re.compile(r" ?[A-Za-z]+(?:'[a-z]+)?|'[a-z]*|[,.?!]| ")
"""Tokens that may be written: letters, so that numbers come as words, and plain punctuation."""
_NOT_LETTERS = re.compile(r"[^a-z']+")
_IMPOSSIBLE = np.float32(-1e9)
Sound = npt.NDArray[np.float32]
Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Transcript:
    """`sureness`: the mean probability of a token, 0 to 1."""

    text: str
    sureness: float


@dataclass(frozen=True)
class _Hypothesis:
    tokens: tuple[int, ...] = ()
    heard: float = 0.0
    """Logarithm of its probability by the sound."""
    expected: float = 0.0
    """Logarithm of the probability of its finished words by the expectations."""
    context: Words = (START,)
    word: str = ""
    """The word under way, as the tokens spell it."""
    ahead: float = 0.0
    """What the word under way may still become, at best."""

    @property
    def score(self) -> float:
        return self.heard + _EXPECTED_WEIGHT * (self.expected + self.ahead)


class Decoder:
    """The model, loaded once for all calls of a process. Not safe for threads."""

    def __init__(self, folder: Path) -> None:
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read when the library is loaded
        onnxruntime = import_module("onnxruntime")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._encoder = onnxruntime.InferenceSession(str(folder / ENCODER), options)
        self._decoder = onnxruntime.InferenceSession(str(folder / DECODER), options)
        self._tokens = read_tokens(folder / TOKENS)
        usable = [bool(_SPELLED.fullmatch(token)) for token in self._tokens]
        usable[_END] = True
        self._unusable = np.flatnonzero(~np.array(usable))
        self._outputs = [output.name.replace("present", "past_key_values") for output in self._decoder.get_outputs()]
        shapes = {each.name: each.shape for each in self._decoder.get_inputs()}
        self._nothing_past = {
            name: np.zeros((1, shapes[name][1], 0, shapes[name][3]), np.float32) for name in self._outputs[1:]
        }

    def transcribe(self, sound: Sound, expectations: Expectations) -> Transcript:
        """`sound`: -1 to 1 at 16 kHz."""
        pieces = [self._one(piece, expectations) for piece in _pieces(sound)]
        text = " ".join(piece.text for piece in pieces if piece.text)
        return Transcript(text, min((piece.sureness for piece in pieces if piece.text), default=0.0))

    def _one(self, sound: Sound, expectations: Expectations) -> Transcript:
        best = self._search(sound, expectations)
        text = "".join(self._tokens[token] for token in best.tokens if token != _END).strip()
        return Transcript(text, math.exp(best.heard / max(1, len(best.tokens))))

    def _search(self, sound: Sound, expectations: Expectations) -> _Hypothesis:
        everything = np.ones((1, len(sound)), np.int64)
        states = self._encoder.run(None, {"input_values": sound[None], "attention_mask": everything})[0]
        mask = np.ones((1, states.shape[1] * _SAMPLES_A_STATE), np.int64)
        past: dict[str, Array] = self._nothing_past
        beam, finished = [_Hypothesis()], _Hypothesis(heard=-math.inf)
        for step in range(int(len(sound) / RATE * _TOKENS_A_SECOND) + _TOKENS_MORE):
            logarithms, past = self._step(beam, states, mask, past, is_first=step == 0)
            grown = sorted(self._grown(beam, logarithms, expectations), key=lambda each: -each[1].score)
            kept: list[tuple[int, _Hypothesis]] = []
            for place, hypothesis in grown:
                if hypothesis.score <= finished.score or len(kept) == _BEAM:
                    break
                if hypothesis.tokens[-1] == _END:
                    finished = hypothesis
                else:
                    kept.append((place, hypothesis))
            if not kept:
                break
            places = [place for place, _ in kept]
            past = {name: values[places] for name, values in past.items()}
            beam = [hypothesis for _, hypothesis in kept]
        return finished if finished.tokens else beam[0]

    def _step(
        self, beam: list[_Hypothesis], states: Array, mask: Array, past: dict[str, Array], *, is_first: bool
    ) -> tuple[Array, dict[str, Array]]:
        """Logarithms of the next token's probabilities for each hypothesis, and what the decoder remembers."""
        inputs = {
            "input_ids": np.array([[each.tokens[-1] if each.tokens else _START] for each in beam], np.int64),
            "encoder_hidden_states": np.repeat(states, len(beam), 0),
            "encoder_attention_mask": mask,
            "use_cache_branch": np.array([not is_first]),
            **past,
        }
        logits, *present = self._decoder.run(None, inputs)
        now = dict(zip(self._outputs[1:], present, strict=True))
        if not is_first:  # the encoder's part does not change, and only the first step writes it
            now = {name: past[name] if ".encoder." in name else values for name, values in now.items()}
        scores = logits[:, -1]
        scores[:, self._unusable] = _IMPOSSIBLE
        scores -= scores.max(axis=1, keepdims=True)
        scores -= np.log(np.exp(scores).sum(axis=1, keepdims=True))
        return scores, now

    def _grown(
        self, beam: list[_Hypothesis], logarithms: Array, expectations: Expectations
    ) -> list[tuple[int, _Hypothesis]]:
        """Each hypothesis with its likeliest next tokens, and the hypothesis's place."""
        likeliest = np.argpartition(-logarithms, _TRIED, axis=1)[:, :_TRIED]
        return [
            (place, self._extended(hypothesis, int(token), float(logarithms[place, token]), expectations))
            for place, hypothesis in enumerate(beam)
            for token in likeliest[place]
        ]

    def _extended(self, before: _Hypothesis, token: int, logarithm: float, expectations: Expectations) -> _Hypothesis:
        spelled = self._tokens[token]
        expected, context, word = before.expected, before.context, before.word
        if token == _END or spelled.startswith(" "):
            if letters := _letters(word):
                expected += expectations.word(letters, context)
                context = (*context, letters)[-2:]
            word = ""
        if token == _END:
            expected += expectations.end(context)
            return _Hypothesis((*before.tokens, token), before.heard + logarithm, expected, context)
        word += spelled
        letters = _letters(word)
        ahead = expectations.beginning(letters, context) if letters else 0.0
        return _Hypothesis((*before.tokens, token), before.heard + logarithm, expected, context, word, ahead)


def _letters(word: str) -> str:
    return _NOT_LETTERS.sub("", word.lower()).strip("'")


def _pieces(sound: Sound) -> list[Sound]:
    """Long speech cut where it is quietest."""
    pieces = []
    while len(sound) > LONGEST_SECONDS * RATE:
        block = RATE // 10
        latter = sound[LONGEST_SECONDS * RATE // 2 : LONGEST_SECONDS * RATE]
        loudness = np.square(latter[: len(latter) // block * block].reshape(-1, block)).sum(axis=1)
        cut = LONGEST_SECONDS * RATE // 2 + int(loudness.argmin()) * block + block // 2
        pieces.append(sound[:cut])
        sound = sound[cut:]
    return [*pieces, sound] if len(sound) >= _SHORTEST_SAMPLES else pieces
