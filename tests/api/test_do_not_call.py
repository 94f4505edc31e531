"""Do-not-call lists over the API: of the organization, of a campaign, from files; and what became of a file."""

import csv
import io
from typing import Any
from uuid import uuid4

import pytest

from tests.api.conftest import Person, body
from tests.api.test_campaigns import make_campaign

MARIA, PAUL = "+12025550123", "+12025550124"
FILE = b"Mobile,reason\n202 555 0123,wrote to us\n(202) 555-0123,\n=1+1,\n2025550124,\n2.03E+09,\n"


async def bring(person: Person, content: bytes, status: int = 201, **options: Any) -> Any:
    fields = {name: value for name, value in options.items() if name != "dry_run"}
    query = {"dry_run": "true"} if options.get("dry_run") else {}
    files = {"file": ("numbers.csv", content, "text/csv")}
    response = await person.client.post("/do-not-call/import", files=files, data=fields, params=query)
    return body(response, status)


async def check(person: Person, number: str, **query: Any) -> bool:
    return bool((await person.get("/do-not-call/check", phone_number=number, **query))["listed"])


async def test_numbers_are_listed_checked_and_taken_off_again(ann: Person) -> None:
    added = await ann.post("/do-not-call", phone_numbers=["+1 202 555 0123", MARIA, "2025550124"], reason="wrote")
    assert (added["added"], added["duplicates"], added["rejected"]) == (1, 1, 1)
    [problem] = added["problems"]
    assert (problem["row"], problem["code"]) == (3, "no_country_code")
    [entry] = (await ann.get("/do-not-call"))["items"]
    assert (entry["phone_number"], entry["source"], entry["reason"]) == (MARIA, "added", "wrote")
    assert (entry["created_by"], entry["campaign_id"]) == (ann.id, None)
    told = await ann.get("/do-not-call/check", phone_number="1 (202) 555-0123")
    assert told == {"phone_number": MARIA, "campaign_id": None, "listed": True, "entries": [entry]}
    assert await ann.get(f"/do-not-call/{entry['id']}") == entry
    await ann.delete(f"/do-not-call/{entry['id']}")
    assert not await check(ann, MARIA)
    assert (await ann.get(f"/do-not-call/{entry['id']}", 404))["code"] == "DNC_001"


async def test_a_campaigns_list_is_its_own(ann: Person) -> None:
    campaign = await make_campaign(ann)
    await ann.post("/do-not-call", phone_numbers=["2025550123"], campaign_id=campaign["id"])
    await ann.post("/do-not-call", phone_numbers=[PAUL])
    assert not await check(ann, MARIA)
    assert await check(ann, MARIA, campaign_id=campaign["id"])
    assert await check(ann, PAUL, campaign_id=campaign["id"]), "the organization's list holds for all"
    assert (await ann.get("/do-not-call", campaign_id=campaign["id"]))["total"] == 1
    assert (await ann.get("/do-not-call"))["total"] == 2
    await ann.post("/do-not-call", phone_numbers=[MARIA])
    assert await check(ann, MARIA), "a number may be on both"


async def test_another_tenants_campaign_is_not_there(ann: Person, bob: Person) -> None:
    theirs = await make_campaign(bob)
    for campaign_id in (theirs["id"], str(uuid4())):
        await ann.post("/do-not-call", 404, phone_numbers=[MARIA], campaign_id=campaign_id)
        await ann.get("/do-not-call/check", 404, phone_number=MARIA, campaign_id=campaign_id)
        await bring(ann, FILE, 404, campaign_id=campaign_id)


@pytest.mark.parametrize("written", ["(202) 555-0123", "maria", "12"])
async def test_what_is_no_number_cannot_be_asked_for(ann: Person, written: str) -> None:
    error = await ann.get("/do-not-call/check", 422, phone_number=written)
    assert error["fields"][0]["field"] == "phone_number"


async def test_a_file_brings_in_its_good_rows_and_reports_the_others(ann: Person) -> None:
    rehearsal = await bring(ann, FILE, country="US", dry_run=True)
    assert (await ann.get("/do-not-call"))["total"] == 0
    report = await bring(ann, FILE, country="US")
    for told in (rehearsal, report):
        assert (told["rows"], told["added"], told["duplicates"], told["rejected"]) == (5, 2, 1, 2)
        assert [(each["row"], each["code"]) for each in told["problems"]] == [(4, "not_a_number"), (6, "rounded")]
    reasons = {each["phone_number"]: each["reason"] for each in (await ann.get("/do-not-call"))["items"]}
    assert reasons == {MARIA: "wrote to us", PAUL: "imported"}
    kept = await ann.get(f"/uploads/{report['upload_id']}")
    assert (kept["kind"], kept["status"], kept["added"], kept["rejected"]) == ("do_not_call", "done", 2, 2)
    assert [each["dry_run"] for each in (await ann.get("/uploads"))["items"]] == [False, True]


async def test_the_rows_that_stayed_out_download_as_csv(ann: Person) -> None:
    report = await bring(ann, FILE, country="US")
    response = await ann.client.get(f"/uploads/{report['upload_id']}/errors")
    rows = list(csv.DictReader(io.StringIO(response.text)))
    assert response.headers["content-type"].startswith("text/csv")
    assert [(row["row"], row["column"], row["value"]) for row in rows] == [
        ("4", "Mobile", "'=1+1"),
        ("6", "Mobile", "2.03E+09"),
    ]


async def test_what_a_file_brought_in_goes_with_it(ann: Person) -> None:
    await ann.post("/do-not-call", phone_numbers=[MARIA])
    report = await bring(ann, FILE, country="US")
    response = await ann.client.delete(f"/do-not-call/imports/{report['upload_id']}")
    assert body(response, 200)["removed"] == 1
    assert [each["phone_number"] for each in (await ann.get("/do-not-call"))["items"]] == [MARIA]
    await ann.delete(f"/do-not-call/imports/{report['upload_id']}", 404)


async def test_a_list_that_was_written_out_can_be_read_in_again(ann: Person, bob: Person) -> None:
    await ann.post("/do-not-call", phone_numbers=[MARIA, PAUL], reason="=cmd|' /C calc'!A0")
    written = await ann.client.get("/do-not-call/export")
    assert written.headers["content-disposition"] == 'attachment; filename="do-not-call.csv"'
    assert "'=cmd" in written.text, "a spreadsheet does not run it"
    report = await bring(bob, written.content)
    assert (report["added"], report["rejected"]) == (2, 0)
    assert {each["phone_number"] for each in (await bob.get("/do-not-call"))["items"]} == {MARIA, PAUL}


async def test_a_listed_number_is_told_by_the_preview_and_refused_to_single_calls(ann: Person) -> None:
    campaign = await make_campaign(ann, phone_numbers=[MARIA, PAUL])
    await ann.post("/do-not-call", phone_numbers=[MARIA], campaign_id=campaign["id"])
    assert (await ann.get(f"/campaigns/{campaign['id']}/preview"))["suppressed"] == 1
