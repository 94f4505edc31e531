"""A contact file's rows: which column is what, and what each row says. Pure: cells in, people and problems out."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from voiceera.errors import FieldProblem, Invalid
from voiceera.rules.calling_hours import UnknownZone, zone
from voiceera.rules.campaigns import ContactDraft
from voiceera.rules.phones import NotANumber, to_e164

MAXIMUM_VALUE = 2000
MAXIMUM_COLUMNS = 200

_SYNONYMS: dict[str, tuple[str, ...]] = {
    "phone_number": (
        *("phonenumber", "phone", "phoneno", "mobile", "mobilenumber", "mobileno", "mobilephone", "cell"),
        *("cellphone", "cellnumber", "telephone", "telephonenumber", "tel", "number", "msisdn", "to"),
        *("contactnumber", "contactno", "whatsapp", "whatsappnumber", "phone1", "primaryphone", "contact"),
    ),
    "name": ("name", "fullname", "contactname", "customername", "customer", "person", "clientname"),
    "timezone": ("timezone", "tz", "timezonename", "zone"),
    "priority": ("priority", "prio"),
}
_SCIENTIFIC = re.compile(r"\d([.,]\d+)?[eE]\+?\d+")


@dataclass(frozen=True)
class Person:
    """A contact that may go in: the number is E.164."""

    phone_number: str
    name: str | None = None
    timezone: str | None = None
    priority: int = 0
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RowProblem:
    """Why a row stays out. `row` counts from 1, the header included, as a spreadsheet shows it."""

    row: int
    column: str
    value: str
    code: str
    message: str


class _Bad(Exception):
    def __init__(self, column: str, value: str, code: str, message: str) -> None:
        super().__init__(message)
        self.column, self.value, self.code, self.message = column, value, code, message

    def at(self, row: int) -> RowProblem:
        return RowProblem(row, self.column, self.value[:200].replace("\0", "�"), self.code, self.message)


@dataclass(frozen=True)
class Columns:
    """Which column (from 0) holds what; all others are variables, by name."""

    titles: tuple[str, ...]
    phone_number: int
    name: int | None = None
    timezone: int | None = None
    priority: int | None = None
    has_header: bool = True

    @cached_property
    def variables(self) -> dict[int, str]:
        known = {self.phone_number, self.name, self.timezone, self.priority}
        return {
            index: variable_name(title) for index, title in enumerate(self.titles) if index not in known and title
        }

    @property
    def described(self) -> dict[str, str]:
        """Title → what it was taken for, for the report."""
        places = {getattr(self, name): name for name in _SYNONYMS}
        variables = self.variables
        return {
            title: places.get(index) or f"variables.{variables[index]}"
            for index, title in enumerate(self.titles)
            if title
        }


def variable_name(title: str) -> str:
    """ "Appointment Time" → "appointment_time", as templates name it."""
    return re.sub(r"\W+", "_", title.strip().casefold()).strip("_")


def find_columns(rows: Sequence[Sequence[str]], region: str, mapping: Mapping[str, str] | None = None) -> Columns:
    """What the columns of a file are, by its first rows and, before all guesses, by `mapping` (field → title).

    Raises Invalid where no column holds phone numbers.
    """
    first = [cell.strip() for cell in rows[0]] if rows else []
    if not first:
        raise Invalid("The file is empty.", FieldProblem("file", "has no rows"))
    if len(first) > MAXIMUM_COLUMNS:
        raise Invalid("The file has too many columns.", FieldProblem("file", f"at most {MAXIMUM_COLUMNS}"))
    if not mapping and (numbers := [i for i, cell in enumerate(first) if _is_number(cell, region)]):
        titles = tuple("phone_number" if i == numbers[0] else f"column_{i + 1}" for i in range(len(first)))
        return Columns(titles, numbers[0], has_header=False)
    places = _mapped(first, mapping or {})
    for name, synonyms in _SYNONYMS.items():
        if name not in places:
            found = _first_titled(first, synonyms, set(places.values()))
            if found is not None:
                places[name] = found
    if "phone_number" not in places:
        places["phone_number"] = _by_content(rows, region, first)
    number = places.pop("phone_number")
    return Columns(tuple(first), number, places.get("name"), places.get("timezone"), places.get("priority"))


def _mapped(titles: list[str], mapping: Mapping[str, str]) -> dict[str, int]:
    places = {}
    for name, title in mapping.items():
        if name not in _SYNONYMS:
            raise Invalid("The mapping does not fit.", FieldProblem(f"mapping.{name}", "is not a contact's field"))
        if title not in titles:
            there = ", ".join(titles)
            problem = FieldProblem(f"mapping.{name}", f"there is no column {title!r}; there are: {there}")
            raise Invalid("The mapping does not fit.", problem)
        places[name] = titles.index(title)
    return places


def _first_titled(titles: list[str], synonyms: tuple[str, ...], taken: set[int]) -> int | None:
    plain = [re.sub(r"[\W_]+", "", title.casefold()) for title in titles]
    return next((plain.index(s) for s in synonyms if s in plain and plain.index(s) not in taken), None)


def _by_content(rows: Sequence[Sequence[str]], region: str, titles: list[str]) -> int:
    """The column in which most of the first rows hold a phone number."""
    scores = [sum(_is_number(row[i], region) for row in rows[1:] if i < len(row)) for i in range(len(titles))]
    if not any(scores):
        raise Invalid(
            "No column holds phone numbers.",
            FieldProblem("file", f"name one phone_number, or map it; the columns are: {', '.join(titles)}"),
        )
    return scores.index(max(scores))


def _is_number(cell: str, region: str) -> bool:
    if sum(character.isdigit() for character in cell) < 7 or re.search(r"[A-Za-z:/]", cell):
        return False
    try:
        to_e164(cell, region)
    except NotANumber:
        return False
    return True


def read_row(row: int, cells: Sequence[str], columns: Columns, region: str) -> Person | RowProblem:
    """One row as a person, or the first reason why it is none."""
    try:
        return _person(cells, columns, region)
    except _Bad as problem:
        return problem.at(row)


def read_draft(row: int, draft: ContactDraft, region: str) -> Person | RowProblem:
    """The same of a contact that was sent as JSON."""
    try:
        for name, value in {"name": draft.name or "", **draft.variables}.items():
            _text(name, value)
        return Person(
            _phone("phone_number", draft.phone_number, region),
            draft.name or None,
            _zone_name("timezone", draft.timezone or ""),
            draft.priority,
            draft.variables,
        )
    except _Bad as problem:
        return problem.at(row)


def _person(cells: Sequence[str], columns: Columns, region: str) -> Person:
    titles = columns.titles
    if any(cell.strip() for cell in cells[len(titles) :]):
        extra = cells[len(titles)]
        raise _Bad("", extra, "too_many_columns", f"the row has {len(cells)} columns, the header {len(titles)}")

    def cell(index: int | None) -> tuple[str, str]:
        if index is None:
            return "", ""
        return titles[index], _text(titles[index], cells[index].strip() if index < len(cells) else "")

    variables = {name: cell(index)[1] for index, name in columns.variables.items()}
    return Person(
        _phone(*cell(columns.phone_number), region),
        cell(columns.name)[1] or None,
        _zone_name(*cell(columns.timezone)),
        _priority(*cell(columns.priority)),
        {name: value for name, value in variables.items() if value},
    )


def _text(column: str, value: str) -> str:
    if "\0" in value:
        raise _Bad(column, value, "forbidden_character", "holds a NUL character")
    if len(value) > MAXIMUM_VALUE:
        raise _Bad(column, value, "too_long", f"is longer than {MAXIMUM_VALUE} characters")
    return value


def _phone(column: str, written: str, region: str) -> str:
    if not written:
        raise _Bad(column, written, "missing", "has no phone number")
    if _SCIENTIFIC.fullmatch(written):
        raise _Bad(column, written, "rounded", "was rounded by a spreadsheet: format the column as text")
    try:
        return to_e164(written, region)
    except NotANumber as problem:
        raise _Bad(column, written, problem.code, str(problem)) from None


def _zone_name(column: str, name: str) -> str | None:
    if not name:
        return None
    try:
        return zone(name).key
    except UnknownZone:
        raise _Bad(column, name, "unknown_timezone", "is not an IANA time zone such as America/New_York") from None


def _priority(column: str, written: str) -> int:
    if not written:
        return 0
    if len(written) == 1 and written in "0123456789":
        return int(written)
    raise _Bad(column, written, "bad_priority", "must be a whole number from 0 to 9 (9 is dialled first)")
