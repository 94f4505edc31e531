import pytest

from voiceera.rules.byte_ranges import ByteRange, Unsatisfiable, asked_range


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-99", 0, 100),
        ("bytes=10-19", 10, 20),
        ("bytes=90-", 90, 100),
        ("bytes=90-1000", 90, 100),
        ("bytes=99-999999999999999999", 99, 100),
        ("bytes=-1", 99, 100),
        ("bytes=-1000", 0, 100),
        ("Bytes = 5-5 ", 5, 6),
    ],
)
def test_one_range_is_cut_to_the_file(header: str, start: int, end: int) -> None:
    assert asked_range(header, 100) == ByteRange(start, end)


@pytest.mark.parametrize(
    "header",
    [
        *(
            None,
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "lines=0-1",
            "bytes=5-4",
            "bytes=0-1,5-6",
            "bytes=0--1",
        ),
        *("bytes=٣-٤", "bytes=" + "9" * 5000 + "-", "bytes=+1-2", "bytes=0x1-2"),
    ],
)
def test_what_is_no_single_range_gets_the_whole_file(header: str | None) -> None:
    assert asked_range(header, 100) is None


@pytest.mark.parametrize(
    ("header", "size"),
    [("bytes=100-", 100), ("bytes=100-200", 100), ("bytes=-0", 100), ("bytes=0-", 0), ("bytes=-5", 0)],
)
def test_a_range_past_the_end_is_refused(header: str, size: int) -> None:
    with pytest.raises(Unsatisfiable):
        asked_range(header, size)
