"""Every row of the contract's table has a test that looks at what the row does by another way than its own answer."""

from tests.consequences.table import marked, not_yet, rows


def test_every_row_has_a_test_but_those_that_wait() -> None:
    missing = rows().keys() - marked().keys() - not_yet()
    assert not missing, f"mark a test of each with @pytest.mark.consequence(…): {sorted(missing)}"


def test_no_row_waits_that_has_a_test() -> None:
    finished = not_yet() & marked().keys()
    assert not finished, f"take these out of not_yet.txt: {sorted(finished)}"


def test_marks_and_the_waiting_list_name_rows_of_the_table() -> None:
    assert not (marked().keys() | not_yet()) - rows().keys()


def test_the_table_is_whole() -> None:
    assert len(rows()) == 83
    assert all(row["consequence"] for row in rows().values())
