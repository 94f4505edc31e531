"""Contact files of every common make, and rows that cannot be."""

import io
import zipfile
from collections.abc import Sequence

import pytest

from voiceera.errors import Invalid, TooMany
from voiceera.rules.contact_rows import Columns, Person, RowProblem, find_columns, read_row
from voiceera.services.contact_files import rows

ANNA = Person("+12025550123", "Anna", "America/New_York", 3, {"appointment_time": "Monday at 9"})


def read(content: bytes, mapping: dict[str, str] | None = None) -> list[Person | RowProblem]:
    found = [row for row in rows(io.BytesIO(content)) if isinstance(row, list)]
    columns = find_columns([row for row in found if any(row)], "US", mapping)
    numbered = list(enumerate(found, 1))[1 if columns.has_header else 0 :]
    return [read_row(place, row, columns, "US") for place, row in numbered if any(row)]


HEADER = "Phone Number,Name,Time Zone,Priority,Appointment Time"
LINE = "(202) 555-0123,Anna,America/New_York,3,Monday at 9"


@pytest.mark.parametrize(
    "content",
    [
        f"{HEADER}\n{LINE}\n".encode(),
        f"{HEADER}\r\n{LINE}\r\n\r\n".encode(),
        f"{HEADER}\n{LINE}".encode("utf-8-sig"),
        f"{HEADER}\n{LINE}\n".encode("utf-16"),
        f"{HEADER}\n{LINE}\n".encode("utf-16-le"),
        f"{HEADER}\n{LINE}\n".encode("utf-16-be"),
        f"{HEADER}\n{LINE}\n".encode("utf-32"),
        f"{HEADER}\r{LINE}\r".encode(),
        f"{HEADER}\n{LINE}\n".replace(",", ";").encode(),
        f"{HEADER}\n{LINE}\n".replace(",", "\t").encode(),
        f"{HEADER}\n{LINE}\n".replace(",", "|").encode(),
        b'mobile_no,full name,tz,prio,appointment time\n"202.555.0123",Anna,America/New_York,3,"Monday at 9"\n',
    ],
    ids=[
        *("plain", "windows", "byte-order mark", "utf-16", "utf-16, no mark", "utf-16 of others, no mark", "utf-32"),
        *("old macs", "semicolons", "tabs", "bars", "other titles"),
    ],
)
def test_the_same_contact_is_read_from_every_make_of_file(content: bytes) -> None:
    assert read(content) == [ANNA]


def test_western_text_that_is_not_utf8_is_read_as_windows_wrote_it() -> None:
    assert read("phone;name\n2025550123;Zoë Müller\n".encode("cp1252")) == [Person("+12025550123", "Zoë Müller")]


def test_a_file_without_a_header_is_known_by_its_numbers() -> None:
    found = read(b"Anna,2025550123\nBob,2025550124\n")
    assert [person.phone_number for person in found if isinstance(person, Person)] == ["+12025550123", "+12025550124"]


def test_an_unknown_title_is_found_by_what_the_column_holds() -> None:
    found = read(b"ref,line\nA1,202 555 0123\nA2,202 555 0124\n")
    assert found[0] == Person("+12025550123", variables={"ref": "A1"})


def test_a_mapping_comes_before_all_guesses() -> None:
    found = read(b"phone,mobile\n2025550123,2025550124\n", {"phone_number": "mobile"})
    assert found == [Person("+12025550124", variables={"phone": "2025550123"})]


@pytest.mark.parametrize("content", [b"", b"\n\n", b"name,city\nAnna,Rome\n"])
def test_a_file_without_numbers_is_refused_as_a_whole(content: bytes) -> None:
    with pytest.raises(Invalid):
        read(content)


COLUMNS = Columns(("phone", "name", "zone", "prio", "note"), 0, 1, 2, 3)
BAD_ROWS: list[tuple[Sequence[str], str, str]] = [
    (["", "Anna"], "phone", "missing"),
    (["call me"], "phone", "not_a_number"),
    (["12"], "phone", "not_a_number"),
    (["202555012"], "phone", "impossible_number"),
    (["+1 202 555 01234567"], "phone", "impossible_number"),
    (["+1 111 111 1111"], "phone", "invalid_number"),
    (["2.0255E+09"], "phone", "rounded"),
    (["2025550123 x5"], "phone", "has_extension"),
    (["2025550123", "A\0nna"], "name", "forbidden_character"),
    (["2025550123", "A" * 2001], "name", "too_long"),
    (["2025550123", "", "Mars/Olympus"], "zone", "unknown_timezone"),
    (["2025550123", "", "../../etc/passwd"], "zone", "unknown_timezone"),
    (["2025550123", "", "", "urgent"], "prio", "bad_priority"),
    (["2025550123", "", "", "10"], "prio", "bad_priority"),
    (["2025550123", "", "", "", "", "more"], "", "too_many_columns"),
]


@pytest.mark.parametrize(("cells", "column", "code"), BAD_ROWS, ids=[code for _, _, code in BAD_ROWS])
def test_a_bad_row_says_where_and_why(cells: Sequence[str], column: str, code: str) -> None:
    problem = read_row(7, cells, COLUMNS, "US")
    assert isinstance(problem, RowProblem)
    assert (problem.row, problem.column, problem.code) == (7, column, code)
    assert problem.message and "\0" not in problem.value


def test_a_short_row_leaves_the_rest_empty() -> None:
    assert read_row(2, ["2025550123"], COLUMNS, "US") == Person("+12025550123")


def workbook(*sheets: str) -> bytes:
    """The least that is an .xlsx."""
    numbered = list(enumerate(sheets, 1))
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    files = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        + "".join(f'<sheet name="s{n}" sheetId="{n}" r:id="r{n}"/>' for n, _ in numbered)
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        + "".join(
            f'<Relationship Id="r{n}" Type="{office}/worksheet" Target="worksheets/sheet{n}.xml"/>'
            for n, _ in numbered
        )
        + "</Relationships>",
    }
    for n, sheet in numbered:
        files[f"xl/worksheets/sheet{n}.xml"] = f'<worksheet xmlns="{main}"><sheetData>{sheet}</sheetData></worksheet>'
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def test_a_workbooks_numbers_are_whole_and_its_rows_counted_as_shown() -> None:
    sheet = (
        '<row r="2"><c r="A2" t="inlineStr"><is><t>Phone</t></is></c></row>'
        '<row r="3"><c r="A3"><v>12025550123</v></c></row>'
        '<row r="4"><c r="A4"><v>12</v></c></row>'
    )
    assert list(rows(io.BytesIO(workbook(sheet)))) == [[""], ["Phone"], ["12025550123"], ["12"]]


@pytest.mark.parametrize("content", [b"PK\x03\x04 and nothing", b"\xd0\xcf\x11\xe0 old"])
def test_a_broken_workbook_is_refused_in_words(content: bytes) -> None:
    with pytest.raises(Invalid):
        list(rows(io.BytesIO(content)))


def test_a_sheet_that_asks_for_all_memory_costs_its_own_process_and_nothing_else() -> None:
    far = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    with pytest.raises(Invalid) as refused:
        list(rows(io.BytesIO(workbook(far))))
    assert refused.value.fields[0].message == "is too large when unpacked: use CSV"


def test_two_workbooks_are_read_at_a_time_and_another_is_told_to_come_back() -> None:
    sheet = workbook('<row r="1"><c r="A1"><v>1</v></c></row>')
    under_way = [rows(io.BytesIO(sheet)) for _ in range(2)]
    assert [next(each) for each in under_way] == [["1"], ["1"]]
    with pytest.raises(TooMany):
        next(rows(io.BytesIO(sheet)))
    for each in under_way:
        assert list(each) == []
    assert list(rows(io.BytesIO(sheet))) == [["1"]]


def test_a_line_without_end_is_one_bad_row() -> None:
    found = list(rows(io.BytesIO(b"phone\n" + b"2" * 3_000_000 + b"\n2025550123\n")))
    assert [isinstance(row, list) for row in found] == [True, False, True]


def test_a_row_of_too_many_cells_is_cut_to_what_shows_it() -> None:
    [row] = rows(io.BytesIO(b"," * 100_000 + b"\n"))
    assert isinstance(row, list) and len(row) == 201


def test_an_unclosed_quote_spoils_its_row_and_no_other() -> None:
    text = "phone\n" + '"' + "1" * 140_000 + "\n2025550123\n"
    found = list(rows(io.BytesIO(text.encode())))
    assert found[-1] == ["2025550123"] and not isinstance(found[1], list)


def test_of_a_workbook_with_two_sheets_the_first_is_read() -> None:
    first, second = (f'<row r="1"><c r="A1"><v>{number}</v></c></row>' for number in (12025550123, 12025550124))
    assert list(rows(io.BytesIO(workbook(first, second)))) == [["12025550123"]]


def test_a_line_break_within_quotes_belongs_to_its_value() -> None:
    found = read(b'phone,note\n2025550123,"two\nlines, and ""quotes"""\n2025550124,one\n')
    assert [person.variables["note"] for person in found if isinstance(person, Person)] == [
        'two\nlines, and "quotes"',
        "one",
    ]


def test_a_formula_is_text_to_us() -> None:
    found = read(b'phone,name\n2025550123,"=HYPERLINK(""http://x"",""y"")"\n')
    assert found == [Person("+12025550123", '=HYPERLINK("http://x","y")')]


@pytest.mark.parametrize(
    ("region", "written", "number"),
    [
        ("US", "1-202-555-0123", "+12025550123"),
        ("US", "tel:+1.202.555.0123", "+12025550123"),
        ("US", "２０２５５５０１２３", "+12025550123"),
        ("GB", "+44 (0)20 7946 0123", "+442079460123"),
        ("FR", "01 42 68 53 00", "+33142685300"),
        ("DE", "0049 30 901820", "+4930901820"),
        ("DE", "030/901820", "+4930901820"),
        ("IN", "098765 43210", "+919876543210"),
        ("IN", "९८७६५४३२१०", "+919876543210"),
        ("ES", "612 34 56 78", "+34612345678"),
        ("IT", "06 698 12345", "+390669812345"),
        ("BR", "(11) 96123-4567", "+5511961234567"),
        ("JP", "03-3224-9999", "+81332249999"),
        ("AU", "0412 345 678", "+61412345678"),
        ("MX", "55 1234 5678", "+525512345678"),
        ("CH", "044 668 18 00", "+41446681800"),
    ],
)
def test_numbers_are_read_as_their_country_writes_them(region: str, written: str, number: str) -> None:
    columns = Columns(("phone",), 0)
    assert read_row(2, [written], columns, region) == Person(number)


@pytest.mark.parametrize("name", ["Mars/Olympus", "EST5EDT4", "../etc/passwd", "america/new_york ", "UTC+5", "IST"])
def test_a_time_zone_that_is_not_in_the_book_keeps_its_row_out(name: str) -> None:
    columns = Columns(("phone", "tz"), 0, timezone=1)
    problem = read_row(2, ["2025550123", name], columns, "US")
    assert isinstance(problem, RowProblem) and problem.code == "unknown_timezone"
