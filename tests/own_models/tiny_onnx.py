"""The smallest models that sherpa-onnx and Piper take: they load like real ones, and what they say is noise.

Inputs and outputs as NeMo's exports for sherpa-onnx have them (k2-fsa/sherpa-onnx, scripts/nemo), and as Piper's.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

FEATURES, SYMBOLS, STEP = 80, 5, 8
TOKENS = ("▁ja", "▁nein", "▁gut", "▁da", "▁so", "<blk>")
_NEMO = {"vocab_size": SYMBOLS, "subsampling_factor": STEP, "version": 1, "model_author": "NeMo"}
_CHANNEL, _TIME = (2, 4, 8), (2, 8, 3)


def tokens(folder: Path) -> None:
    (folder / "tokens.txt").write_text("".join(f"{token} {place}\n" for place, token in enumerate(TOKENS)))


def whole_ctc(folder: Path) -> None:
    """A model that hears an utterance as a whole."""
    folder.mkdir(parents=True)
    tokens(folder)
    _ctc(folder / "model.onnx", streams=False)


def streaming_ctc(folder: Path) -> None:
    """One that hears it as it is spoken."""
    folder.mkdir(parents=True)
    tokens(folder)
    _ctc(folder / "model.onnx", streams=True)


def _ctc(path: Path, *, streams: bool) -> None:
    from onnx import TensorProto, helper, numpy_helper

    info, node = helper.make_tensor_value_info, helper.make_node
    real, whole = TensorProto.FLOAT, TensorProto.INT64
    weights = np.random.default_rng(1).normal(size=(FEATURES, SYMBOLS + 1)).astype(np.float32)
    constants = {"from": [0], "to": [2**31], "axis": [1], "step": [STEP]}
    given = [numpy_helper.from_array(weights, "weights")]
    given += [numpy_helper.from_array(np.array(value, np.int64), name) for name, value in constants.items()]
    inputs = [info("audio_signal", real, ["B", FEATURES, "T"]), info("length", whole, ["B"])]
    outputs = [info("logprobs", real, ["B", "S", SYMBOLS + 1])]
    nodes = [
        node("Transpose", ["audio_signal"], ["frames"], perm=[0, 2, 1]),
        node("Slice", ["frames", "from", "to", "axis", "step"], ["steps"]),
        node("MatMul", ["steps", "weights"], ["logits"]),
        node("LogSoftmax", ["logits"], ["logprobs"], axis=-1),
    ]
    said: dict[str, Any] = _NEMO | {"model_type": "EncDecCTCModelBPE", "normalize_type": "per_feature"}
    if streams:
        caches = {
            "cache_last_channel": (real, ["B", *_CHANNEL], "cache_last_channel_next"),
            "cache_last_time": (real, ["B", *_TIME], "cache_last_time_next"),
            "cache_last_channel_len": (whole, ["B"], "cache_last_channel_next_len"),
        }
        outputs.append(info("encoded_lengths", whole, ["B"]))
        nodes.append(node("Identity", ["length"], ["encoded_lengths"]))
        for name, (kind, shape, next_name) in caches.items():
            inputs.append(info(name, kind, shape))
            outputs.append(info(next_name, kind, shape))
            nodes.append(node("Identity", [name], [next_name]))
        said |= {
            "model_type": "EncDecHybridRNNTCTCBPEModel",
            "normalize_type": "",
            "window_size": 65,
            "chunk_shift": 56,
        }
        said |= {f"cache_last_channel_dim{place}": size for place, size in enumerate(_CHANNEL, 1)}
        said |= {f"cache_last_time_dim{place}": size for place, size in enumerate(_TIME, 1)}
    _save(path, helper.make_graph(nodes, "ctc", inputs, outputs, given), said)


def piper_voice(folder: Path, name: str, language: str) -> None:
    """Each phoneme is a sixtieth of a second of a tone of its own."""
    from onnx import TensorProto, helper, numpy_helper

    folder.mkdir(parents=True, exist_ok=True)
    info, node = helper.make_tensor_value_info, helper.make_node
    wave = (np.arange(256) * 0.02).astype(np.float32).reshape(1, 1, 256)
    given = [
        numpy_helper.from_array(np.array([2], np.int64), "last"),
        numpy_helper.from_array(wave, "wave"),
        numpy_helper.from_array(np.array([1, 1, -1], np.int64), "shape"),
    ]
    inputs = [
        info("input", TensorProto.INT64, [1, "N"]),
        info("input_lengths", TensorProto.INT64, [1]),
        info("scales", TensorProto.FLOAT, [3]),
    ]
    nodes = [
        node("Cast", ["input"], ["ids"], to=TensorProto.FLOAT),
        node("Unsqueeze", ["ids", "last"], ["column"]),
        node("Mul", ["column", "wave"], ["phase"]),
        node("Sin", ["phase"], ["sound"]),
        node("Reshape", ["sound", "shape"], ["output"]),
    ]
    graph = helper.make_graph(nodes, "voice", inputs, [info("output", TensorProto.FLOAT, [1, 1, "M"])], given)
    _save(folder / f"{name}.onnx", graph, {})
    letters = "abcdefghijklmnopqrstuvwxyz .,?!ˈˌːəɪʊɛɔæʌŋʃʒθðʰɑɜ"
    config = {
        "audio": {"sample_rate": 16000},
        "espeak": {"voice": language},
        "inference": {"noise_scale": 0.667, "length_scale": 1, "noise_w": 0.8},
        "phoneme_id_map": {"_": [0], "^": [1], "$": [2]} | {each: [place + 3] for place, each in enumerate(letters)},
        "num_symbols": len(letters) + 3,
        "num_speakers": 1,
    }
    (folder / f"{name}.onnx.json").write_text(json.dumps(config))


def _save(path: Path, graph: Any, said: dict[str, Any]) -> None:
    import onnx
    from onnx import helper

    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    helper.set_model_props(model, {name: str(value) for name, value in said.items()})
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
