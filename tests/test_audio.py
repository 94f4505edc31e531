import numpy as np

from voiceera.rules.audio import L16_16K, ULAW_8K, decode, encode, pcm_to_ulaw, ulaw_to_pcm

# ITU-T G.711 table 2: (µ-law code, 16-bit value) at the ends and around zero
KNOWN = [
    (0x00, -32124),
    (0x80, 32124),
    (0xFF, 0),
    (0x7F, 0),
    (0xFE, 8),
    (0x7E, -8),
    (0xF0, 120),
    (0x8F, 16764),
]


def test_ulaw_decodes_the_known_codes() -> None:
    for code, value in KNOWN:
        assert ulaw_to_pcm(bytes([code]))[0] == value


def test_every_ulaw_code_survives_a_round_trip_but_minus_zero() -> None:
    codes = bytes(code for code in range(256) if code != 0x7F)
    assert pcm_to_ulaw(ulaw_to_pcm(codes)) == codes


def test_encoding_is_monotonic_and_within_a_sixteenth_of_the_sample() -> None:
    samples = np.arange(-32000, 32000, 7, dtype=np.int16)
    decoded = ulaw_to_pcm(pcm_to_ulaw(samples)).astype(int)
    assert (np.diff(decoded) >= 0).all()
    assert (np.abs(decoded - samples) <= np.abs(samples.astype(int)) / 16 + 8).all()


def test_a_frame_is_twenty_milliseconds() -> None:
    assert ULAW_8K.frame_bytes == len(ULAW_8K.silence) == 160
    assert L16_16K.frame_bytes == len(L16_16K.silence) == 640
    assert not decode(ULAW_8K.silence, ULAW_8K).any()


def test_l16_passes_through_unchanged() -> None:
    pcm = np.array([0, 1, -1, 32767, -32768], np.int16)
    assert (decode(encode(pcm, L16_16K), L16_16K) == pcm).all()
