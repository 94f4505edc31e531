"""A campaign's people over the API: lists, files, and rows that stay out."""

import csv
import io
import json
import zipfile
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from tests.api.calls import book_of
from tests.api.conftest import Person, body, client_of
from tests.api.test_campaigns import NUMBERS, launched, make_campaign
from voiceera import clock
from voiceera.config import Settings
from voiceera.demo.stage import Person as DemoPerson
from voiceera.demo.stage import contacts_csv
from voiceera.store import attempts
from voiceera.store.base import Database


async def upload(person: Person, path: str, content: bytes, status: int = 201, **options: Any) -> Any:
    files = {"file": (options.pop("name", "people.csv"), content, "text/csv")}
    return body(await person.client.post(path, files=files, **options), status)


@pytest.fixture
async def path(ann: Person) -> str:
    """An empty campaign's contacts."""
    return f"/campaigns/{(await make_campaign(ann))['id']}/contacts"


async def test_people_are_added_and_listed_with_where_they_stand(ann: Person, path: str) -> None:
    added = await ann.post(
        path, contacts=[{"phone_number": "202 555 0101", "name": "Anna", "priority": 9}], phone_numbers=NUMBERS
    )
    assert (added["added"], added["duplicates"], added["rejected"], added["problems"]) == (3, 1, 0, [])
    await ann.post(path, contacts=[{"phone_number": "2025550104", "name": "Bea", "priority": 9}])
    newest = (await ann.get(path))["items"][0]
    assert (newest["name"], newest["status"], newest["attempts"]) == ("Bea", "pending", 0)
    assert newest["next_attempt_at"] is not None and newest["last_outcome"] is None
    assert (await ann.get(path, phone_number="12025550102"))["total"] == 1
    assert (await ann.get(path, search="be"))["total"] == 1
    assert (await ann.get(path, status="reached"))["total"] == 0
    first = await ann.get(path, limit=3)
    rest = await ann.get(path, limit=3, cursor=first["next_cursor"])
    listed = [item["phone_number"] for item in (*first["items"], *rest["items"])]
    assert listed == ["+12025550104", *reversed(NUMBERS)] and rest["next_cursor"] is None


async def test_rows_that_do_not_fit_stay_out_one_by_one(ann: Person, path: str) -> None:
    added = await ann.post(
        path,
        contacts=[
            {"phone_number": "2025550101", "timezone": "Mars/Olympus"},
            {"phone_number": "2025550102", "name": "a\0b"},
            {"phone_number": "2025550103"},
        ],
    )
    assert (added["added"], added["rejected"]) == (1, 2)
    assert [(each["row"], each["column"], each["code"]) for each in added["problems"]] == [
        (1, "timezone", "unknown_timezone"),
        (2, "name", "forbidden_character"),
    ]
    assert (await ann.post(path, 422))["fields"][0]["field"] == "contacts"
    assert (await ann.post(path, 422, numbers=NUMBERS))["fields"][0]["field"] == "numbers"


FILE = (
    b"phone,name,city\n"
    b"2025550101,Anna,Rome\n"
    b"=1+1,Eve,\n"
    b"(202) 555-0101,Anna,\n"
    b"2025550102,a\0b,\n"
    b'2025550103,=HYPERLINK("x"),\n'
    b"2025550104,Too,many,cells\n"
)


async def test_a_file_with_broken_rows_brings_in_the_good_ones_and_reports_each_bad_one(
    ann: Person, path: str
) -> None:
    rehearsal = await upload(ann, f"{path}/upload", FILE, params={"dry_run": "true"})
    assert rehearsal["dry_run"] and (await ann.get(path))["total"] == 0
    report = await upload(ann, f"{path}/upload", FILE)
    assert (report["rows"], report["added"], report["duplicates"], report["rejected"]) == (6, 2, 1, 3)
    assert [(each["row"], each["column"], each["code"]) for each in report["problems"]] == [
        (3, "phone", "not_a_number"),
        (5, "name", "forbidden_character"),
        (7, "", "too_many_columns"),
    ]
    assert report["columns"] == {"phone": "phone_number", "name": "name", "city": "variables.city"}
    assert {key: rehearsal[key] for key in ("added", "duplicates", "problems")} == {
        key: report[key] for key in ("added", "duplicates", "problems")
    }
    people = (await ann.get(path, sort="phone_number"))["items"]
    assert [(person["phone_number"], person["name"]) for person in people] == [
        ("+12025550101", "Anna"),
        ("+12025550103", '=HYPERLINK("x")'),
    ], "text stays text: it is spoken, not calculated"


async def test_the_demos_file_goes_in_whole(ann: Person, path: str) -> None:
    people = [DemoPerson(f"P {n}", number, "says_yes", {"day": "Monday"}) for n, number in enumerate(NUMBERS)]
    report = await upload(ann, f"{path}/upload", contacts_csv(people).encode())
    assert (report["added"], report["problems"]) == (3, [])
    assert (await ann.get(path, search="P 1"))["items"][0]["variables"] == {"day": "Monday"}


async def test_a_mapping_comes_before_all_guesses(ann: Person, path: str) -> None:
    content = b"phone,mobile\n2025550101,2025550102\n"
    report = await upload(ann, f"{path}/upload", content, data={"mapping": '{"phone_number": "mobile"}'})
    assert report["columns"] == {"phone": "variables.phone", "mobile": "phone_number"}
    for mapping, field in (
        ('{"age": "phone"}', "mapping.age"),
        ("[]", "mapping"),
        ("{", "mapping"),
        ('{"name": 1}', "mapping"),
    ):
        error = await upload(ann, f"{path}/upload", content, 422, data={"mapping": mapping})
        assert error["fields"][0]["field"] == field


def bomb() -> bytes:
    """A workbook that unpacks to more than any memory should give it."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("sheet.xml", "w") as sheet:
        for _ in range(420):
            sheet.write(bytes(1 << 20))
    return written.getvalue()


@pytest.mark.parametrize(
    "content",
    [b"", b"name,city\nAnna,Rome\n", b"PK\x03\x04 not a workbook", b"\xd0\xcf\x11\xe0old", bytes(1000), bomb()],
    ids=["empty", "no numbers", "broken workbook", "old workbook", "zeros", "bomb"],
)
async def test_a_file_that_cannot_be_read_is_refused_whole(ann: Person, path: str, content: bytes) -> None:
    error = await upload(ann, f"{path}/upload", content, 422)
    assert error["fields"][0]["field"] == "file"
    assert (await ann.get(path))["total"] == 0


async def test_what_is_no_file_is_refused(ann: Person, path: str) -> None:
    answer = await ann.client.post(f"{path}/upload", json={"file": "x"})
    assert body(answer, 415)["code"] == "REQUEST_004"
    answer = await ann.client.post(f"{path}/upload", data={"file": "x"})
    assert body(answer, 422)["fields"][0]["field"] == "file"
    answer = await ann.client.post(f"{path}/upload", files={"colour": b"red", "file": b"phone\n2025550101\n"})
    assert body(answer, 422)["fields"][0]["field"] == "colour"


async def test_a_file_that_is_too_large_is_refused_before_it_is_read(ann: Person, path: str, app: FastAPI) -> None:
    small: Settings = app.state.backend.settings.model_copy(update={"upload_limit_bytes": 1000})
    app.state.backend = app.state.backend.__class__(**{**vars(app.state.backend), "settings": small})
    error = await upload(ann, f"{path}/upload", b"phone\n" + b"2025550101\n" * 200, 413)
    assert error["code"] == "REQUEST_003"


async def test_a_campaign_that_is_over_takes_nobody_in(ann: Person) -> None:
    campaign = await launched(ann)
    path = f"/campaigns/{campaign['id']}"
    await ann.post(f"{path}/contacts", phone_numbers=["2025550109"])
    await ann.post(f"{path}/stop", 200)
    assert (await ann.post(f"{path}/contacts", 409, phone_numbers=NUMBERS))["code"] == "CAMPAIGN_002"
    assert (await upload(ann, f"{path}/contacts/upload", FILE, 409))["code"] == "CAMPAIGN_002"


async def test_nobody_adds_people_without_signing_in(app: FastAPI, path: str) -> None:
    async with client_of(app) as stranger:
        answer = await stranger.post(f"{path}/upload", files={"file": b"phone\n2025550101\n"})
    assert body(answer, 401)["code"] == "AUTH_003"


async def exported(person: Person, path: str, **query: Any) -> list[dict[str, str]]:
    response = await person.client.get(f"{path}/export", params=query)
    assert response.status_code == 200 and response.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(response.text)))


async def test_everybody_is_exported_with_their_columns_and_what_came_of_them(
    ann: Person, path: str, database: Database, settings: Settings
) -> None:
    people = [
        {"phone_number": "2025550101", "name": "Anna", "variables": {"city": "Rome"}},
        {"phone_number": "2025550102", "name": "=SUM(A1)", "variables": {"shoe": "42"}},
    ]
    await ann.post(path, contacts=people)
    listed = {each["phone_number"]: each for each in (await ann.get(path))["items"]}
    book = await book_of(database, settings, ann)
    contact_id = UUID(listed["+12025550101"]["id"])
    call_id = await book.held(direction="outbound", contact_id=contact_id, caller_id="+12025550000")
    row: dict[str, Any] = {"id": UUID(call_id), "agent_id": book.agent_id}
    row |= {"organization_id": book.organization_id}
    row |= {"contact_id": contact_id, "phone_number": "+12025550101", "state": "ended", "dialed_at": clock.utc_now()}
    async with database.organization(book.organization_id) as connection:
        await connection.execute(
            sa.insert(attempts.attempts).values(**row, due_at=clock.utc_now(), created_at=clock.utc_now())
        )
    anna, other = await exported(ann, path)
    assert (anna["phone_number"], anna["name"], anna["city"], anna["shoe"]) == ("'+12025550101", "Anna", "Rome", "")
    assert (anna["status"], anna["call_id"], anna["caller_id"]) == ("pending", call_id, "'+12025550000")
    assert anna["disposition"] and anna["called_at"] and anna["next_attempt_at"]
    assert (other["name"], other["shoe"], other["call_id"]) == ("'=SUM(A1)", "42", "")
    assert await exported(ann, path, status="reached") == []


async def test_what_only_later_contacts_have_is_exported_too(ann: Person, path: str) -> None:
    numbers = [f"+1303555{index:04d}" for index in range(1000)]
    await ann.post(path, phone_numbers=numbers)
    await ann.post(path, contacts=[{"phone_number": "2025550101", "variables": {"city": "Rome"}}])
    rows = await exported(ann, path)
    assert len(rows) == 1001
    assert json.loads(rows[-1]["other_variables"]) == {"city": "Rome"}


async def test_another_tenants_contacts_are_not_exported(ann: Person, bob: Person) -> None:
    theirs = await make_campaign(bob)
    assert (await ann.client.get(f"/campaigns/{theirs['id']}/contacts/export")).status_code == 404
