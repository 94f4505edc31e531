"""The smallest Kaldi model that Vosk takes: two words of one phone each, a network of one layer, in text form.

The graph is an OpenFst vector (fst/vector-fst.h): header, then states with their arcs.
"""

import struct
from pathlib import Path

import numpy as np

CEPSTRA = 20
WORDS = ("<eps>", "ja", "nein")
_MAGIC, _EXPANDED = 2125659606, 0x1


def vosk_model(folder: Path) -> None:
    for each in ("am", "conf", "graph/phones"):
        (folder / each).mkdir(parents=True)
    (folder / "conf/mfcc.conf").write_text(
        f"--use-energy=false\n--sample-frequency=16000\n--num-mel-bins={CEPSTRA}\n--num-ceps={CEPSTRA}\n"
    )
    (folder / "conf/model.conf").write_text(
        "--min-active=2\n--max-active=100\n--beam=10.0\n--lattice-beam=2.0\n--acoustic-scale=1.0\n"
        "--frame-subsampling-factor=1\n--endpoint.silence-phones=1\n"
    )
    (folder / "am/final.mdl").write_text(_transitions() + _network())
    (folder / "graph/HCLG.fst").write_bytes(_graph())
    (folder / "graph/words.txt").write_text("".join(f"{word} {place}\n" for place, word in enumerate(WORDS)))
    (folder / "graph/phones/word_boundary.int").write_text("1 singleton\n2 singleton\n")


def _transitions() -> str:
    """Phones 1 and 2 of one state each; its loop and its way out are transitions 1 and 2, 3 and 4."""
    half = "-0.6931472"
    return (
        "<TransitionModel>\n<Topology>\n<TopologyEntry>\n<ForPhones>\n1 2\n</ForPhones>\n"
        "<State> 0 <PdfClass> 0 <Transition> 0 0.5 <Transition> 1 0.5 </State>\n<State> 1 </State>\n"
        "</TopologyEntry>\n</Topology>\n<Triples> 2\n1 0 0\n2 0 1\n</Triples>\n"
        f"<LogProbs>\n [ 0 {half} {half} {half} {half} ]\n</LogProbs>\n</TransitionModel>\n"
    )


def _network() -> str:
    weights = np.random.default_rng(4).normal(size=(2, CEPSTRA)) * 0.1
    rows = "\n".join("  " + " ".join(f"{value:.4f}" for value in row) for row in weights)
    return (
        f"<Nnet3> \ninput-node name=input dim={CEPSTRA}\n"
        "component-node name=last component=last input=input\n"
        "output-node name=output input=last objective=linear\n\n"
        "<NumComponents> 1\n<ComponentName> last <AffineComponent> <LearningRate> 0.001 "
        f"<LinearParams>  [\n{rows} ]\n"
        "<BiasParams>  [ 0 0 ]\n<IsGradient> F </AffineComponent> </Nnet3>\n"
        "<LeftContext> 0 <RightContext> 0 <Priors>  [ ]\n"
    )


def _graph() -> bytes:
    """From the start into either word, which lasts as long as its loop is taken."""
    arcs = [[(1, 1, 1), (3, 2, 2)], [(1, 0, 1), (2, 0, 0)], [(3, 0, 2), (4, 0, 0)]]
    kinds = b"".join(struct.pack("<i", len(name)) + name for name in (b"vector", b"standard"))
    count = sum(map(len, arcs))
    header = struct.pack("<i", _MAGIC) + kinds + struct.pack("<iiQqqq", 2, 0, _EXPANDED, 0, len(arcs), count)
    states = b""
    for place, each in enumerate(arcs):
        states += struct.pack("<fq", 0.0 if place == 0 else float("inf"), len(each))
        states += b"".join(struct.pack("<iifi", heard, said, 0.5, to) for heard, said, to in each)
    return header + states
