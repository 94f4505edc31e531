import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from voiceera.rules.waveforms import MOST_POINTS, Outline


def outline(sound: "np.ndarray[tuple[int, ...], np.dtype[np.int16]]", cuts: list[int]) -> Outline:
    drawn = Outline(len(sound), sound.shape[1], 8000)
    for block in np.split(sound, sorted(cuts)):
        drawn.add(block)
    return drawn


def test_each_side_is_as_loud_as_its_loudest_sample() -> None:
    sound = np.zeros((8000, 2), np.int16)
    sound[4000:, 0], sound[10, 1] = 16384, -32768
    drawn = outline(sound, []).waveform()
    caller, agent = drawn.by_channel()
    assert drawn.points_per_second == 20
    assert (caller[:10], agent[0], set(agent[1:])) == ([0.0] * 10, 1.0, {0.0})
    assert all(0.5 <= value < 0.51 for value in caller[10:])


def test_an_hour_is_drawn_with_two_thousand_points() -> None:
    drawn = outline(np.ones((3600 * 8000, 1), np.int16), [1_000_000]).waveform()
    assert MOST_POINTS - 1 <= len(drawn.peaks) <= MOST_POINTS
    assert abs(len(drawn.peaks) / drawn.points_per_second - 3600) < 2


@given(st.lists(st.integers(-32768, 32767), min_size=1, max_size=900), st.lists(st.integers(0, 900), max_size=5))
def test_it_does_not_matter_in_which_blocks_a_recording_comes(samples: list[int], cuts: list[int]) -> None:
    sound = np.array(samples, np.int16).reshape(-1, 1)
    assert outline(sound, cuts).waveform() == outline(sound, []).waveform()
    assert max(outline(sound, cuts).waveform().peaks) == min(
        255, -(-int(np.abs(sound.astype(int)).max()) * 255 // 32768)
    )
