"""What a dry run tells: of one provider, and of all of them side by side. Nobody is ever asked for more than a price."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from klingstudio.domain.job import State
from klingstudio.providers.registry import SERVICES
from tests.fakes.command_line import CommandLine, lines
from tests.fakes.sandbox import Sandbox, run_sandbox
from tests.fakes.services import key_of
from tests.fakes.studio_run import Watch, a_clip, a_request, a_studio, environ_of
from tests.unit.media.made_clips import make_clip

KEYS_OF_A_PLAN = {
    *("event", "provider", "fit", "estimate", "body", "takes", "has_key", "price", "usual_wait_s", "wait_jobs"),
    *("budget", "losses", "warnings", "error", "inputs_via", "hosting", "input_lifetime", "result_lifetime", "cancel"),
}


class Planner(CommandLine):
    """Has the sandbox in the place of every service it plays, and at first a key for none."""

    def __init__(self, home: Path, sandbox: Sandbox) -> None:
        super().__init__(environ_of(home, sandbox, {}))
        self.sandbox = sandbox

    def with_keys(self, *services: str) -> Planner:
        for entry in SERVICES:
            if entry.info.id in services and entry.info.key_variable:
                self.environ[entry.info.key_variable] = key_of("plans")
        return self

    def with_all_keys(self) -> Planner:
        return self.with_keys(*(entry.info.id for entry in SERVICES))

    def plans(self, *arguments: str) -> dict[str, dict[str, Any]]:
        done = self("edit", *arguments, "--dry-run", "--provider", "all", "--json")
        found = lines(done.stdout)
        assert all(plan["event"] == "plan" for plan in found), done.stderr
        return {plan["provider"]: plan for plan in found}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with run_sandbox(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_clip(tmp_path_factory.mktemp("clip") / "clip.mp4")


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_clip(tmp_path_factory.mktemp("clip") / "long.mp4", seconds=17.0)


@pytest.fixture(scope="module")
def ribbon(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clip") / "ribbon.mp4", count=76, size=(800, 160), fps=24)


@pytest.fixture
def run(home: Path, played: Sandbox) -> Planner:
    played.faults([])
    played.forget_requests()
    return Planner(home, played)


def pictures(folder: Path, count: int) -> list[str]:
    from PIL import Image

    made = []
    for number in range(count):
        made.append(str(folder / f"picture-{number}.png"))
        Image.new("RGB", (320, 320), (number * 20, 90, 90)).save(made[-1])
    return made


def test_each_service_is_one_line_with_the_keys_of_a_plan_and_nothing_is_sent(run: Planner, clip: Path) -> None:
    plans = run.with_all_keys().plans(str(clip), "--prompt", "snow")

    assert list(plans) == [entry.info.id for entry in SERVICES]
    for plan in plans.values():
        assert set(plan) == KEYS_OF_A_PLAN
        assert plan["has_key"] is True
        assert plan["error"] is None
        assert plan["fit"]["unchanged"] is True
        assert clip.as_uri() in json.dumps(plan["body"])
        assert set(plan["price"]) == {"amount", "currency", "per", "source", "date", "live", "note"}
        assert (plan["usual_wait_s"], plan["wait_jobs"]) == (None, 0)
        assert plan["hosting"]
        assert plan["cancel"]
    asked = run.sandbox.requests()
    assert {one["method"] for one in asked} <= {"GET", "HEAD"}, "no paid request, no upload"
    assert {plan["provider"] for plan in plans.values() if plan["price"]["live"]} <= {one["dialect"] for one in asked}


def test_where_a_service_tells_its_price_that_one_counts(run: Planner, clip: Path) -> None:
    plan = run.with_keys("oxen").plans(str(clip), "--prompt", "snow", "--takes", "2")["oxen"]

    assert plan["price"]["live"] is True
    assert plan["price"]["amount"] == "0.336"
    # 3 s, rounded to the cent for one take.
    assert plan["estimate"] == {"amount": "2.02", "currency": "USD"}
    assert plan["takes"] == 2


def test_without_keys_prices_are_those_of_the_table_with_their_dates(run: Planner, clip: Path) -> None:
    plans = run.plans(str(clip), "--prompt", "snow")

    assert not any(plan["has_key"] for plan in plans.values())
    assert not any(plan["price"]["live"] for plan in plans.values())
    assert {plan["price"]["date"] for plan in plans.values()} == {"2026-11-20"}
    assert plans["pixeldojo"]["estimate"] == {"amount": "24.00", "currency": "credits"}
    assert plans["pixeldojo"]["error"]["kind"] == "host_missing"
    assert run.sandbox.requests() == []


def test_what_is_unknown_is_null_and_never_nothing(run: Planner, clip: Path) -> None:
    plan = run.plans(str(clip), "--prompt", "snow", "--tier", "standard")["oxen"]

    assert plan["price"] is None
    assert plan["estimate"] is None
    assert plan["error"] is None


def test_what_one_service_lacks_is_said_in_its_line_alone(run: Planner, clip: Path, tmp_path: Path) -> None:
    front, side, other = pictures(tmp_path, 3)

    plans = run.with_all_keys().plans(str(clip), "--prompt", "snow", "--element", f"{front},{side}", "--element", other)

    refused = plans["pixeldojo"]
    assert [loss["message"] for loss in refused["losses"] if loss["kind"] == "elements"] == ["2 elements not supported"]
    assert refused["error"]["kind"] == "not_supported"
    assert refused["body"] is None
    assert Decimal(refused["estimate"]["amount"]) > 0
    others = [plan for name, plan in plans.items() if name != "pixeldojo"]
    assert all(plan["error"] is None and len(plan["body"]["elements"]) == 2 for plan in others)


def test_files_of_a_service_without_hosting_go_through_the_named_one(run: Planner, clip: Path) -> None:
    run.with_keys("oxen", "segmind", "pixeldojo")

    plans = run.plans(str(clip), "--prompt", "snow", "--inputs-via", "segmind")

    assert plans["pixeldojo"]["inputs_via"] == "segmind"
    assert "Segmind" in plans["pixeldojo"]["hosting"]
    assert plans["oxen"]["inputs_via"] is None


def test_a_trim_is_kept_with_a_warning_or_refused_by_each_services_own_limit(run: Planner, long_clip: Path) -> None:
    run.with_all_keys()

    plans = run.plans(str(long_clip), "--prompt", "snow", "--trim", "1-13.5")

    for entry in SERVICES:
        plan = plans[entry.info.id]
        if entry.info.limits.clip_limit_s >= 12.5:
            (warning,) = plan["warnings"]
            assert (warning["subject"], warning["value"], warning["limit"]) == ("source", "12.5 s", "10 s")
            assert "2026" in warning["source"]
            assert (plan["fit"]["start_s"], plan["fit"]["end_s"]) == (1.0, 13.5)
            assert plan["error"] is None
        else:
            assert plan["error"]["kind"] == "trim_too_long"
            assert "12.5 s; the most is 10 s" in plan["error"]["message"]
            assert plan["fit"] is None
    assert plans["pixeldojo"]["error"]


def test_without_a_trim_the_clip_ends_where_every_document_agrees(run: Planner, long_clip: Path) -> None:
    plans = run.with_all_keys().plans(str(long_clip), "--prompt", "snow")

    for plan in plans.values():
        assert plan["fit"]["end_s"] == 10.0
        assert plan["warnings"] == []
        assert [loss["amount"] for loss in plan["losses"] if loss["kind"] == "length"] == ["17.0 s → 10.0 s"]


@pytest.mark.parametrize(
    ("framing", "step"), [("pad", "800×160 → 800×720 with bars"), ("crop", "800×160 → 2160×720 cropped")]
)
def test_a_shape_that_nobody_takes_is_padded_or_cropped_when_asked(
    framing: str, step: str, run: Planner, ribbon: Path
) -> None:
    plans = run.with_all_keys().plans(str(ribbon), "--prompt", "snow", "--framing", framing)

    for plan in plans.values():
        assert plan["fit"]["framing"] == framing
        assert plan["fit"]["steps"] == [step]
        assert plan["error"] is None
        assert plan["warnings"] == []


def test_a_shape_that_nobody_takes_is_refused_otherwise(run: Planner, ribbon: Path) -> None:
    refused = run.with_all_keys()("edit", str(ribbon), "--prompt", "snow", "--dry-run", "--provider", "segmind")
    unknown = run("edit", str(ribbon), "--prompt", "snow", "--dry-run", "--framing", "stretch")

    assert (refused.returncode, unknown.returncode) == (2, 2)
    assert "800×160" in refused.stderr
    assert "--framing" in unknown.stderr


def test_five_pictures_are_warned_of_or_refused_at_their_tile(run: Planner, clip: Path, tmp_path: Path) -> None:
    images = [part for place in pictures(tmp_path, 5) for part in ("--image", place)]

    plans = run.with_all_keys().plans(str(clip), "--prompt", "snow", *images)

    assert [warning["subject"] for warning in plans["segmind"]["warnings"]] == ["image:5"]
    assert plans["oxen"]["error"]["kind"] == "too_many_references"
    assert "Image 5: 5 of 4" in plans["oxen"]["error"]["message"]


def test_a_service_that_hangs_is_shown_with_its_listed_price(run: Planner, clip: Path) -> None:
    run.sandbox.faults([{"call": "models", "kind": "hang", "times": 0}])

    plan = run.with_keys("oxen").plans(str(clip), "--prompt", "snow")["oxen"]

    assert plan["price"]["live"] is False
    assert plan["price"]["date"] == "2026-11-20"


def test_the_exit_code_is_that_of_the_first_problem_only_when_nobody_can(
    run: Planner, long_clip: Path, clip: Path
) -> None:
    nobody = run("edit", str(long_clip), "--prompt", "snow", "--trim", "0-16", "--dry-run", "--provider", "all")
    somebody = run("edit", str(clip), "--prompt", "snow", "--dry-run", "--provider", "all")

    assert nobody.returncode == 2
    assert somebody.returncode == 0
    assert "cannot" in somebody.stdout, "a service without hosting and without a host"


def test_the_table_fits_100_columns_and_names_everything(run: Planner, long_clip: Path) -> None:
    done = run.with_keys("oxen")("edit", str(long_clip), "--prompt", "snow", "--dry-run", "--provider", "all")

    shown = done.stdout.splitlines()
    assert max(len(line) for line in shown) <= 100
    head, *rows = shown[: 1 + len(SERVICES)]
    assert head.split() == ["Key", "Estimate", "Price", "Usual", "wait"]
    assert [row.split()[0] for row in rows] == [entry.info.title for entry in SERVICES]
    assert "live" in rows[0]
    assert "as of 2026-11-20" in done.stdout
    assert "trimmed, 17.0 s → 10.0 s" in done.stdout
    assert "no edits yet" in done.stdout


def test_comparing_is_no_way_to_send(run: Planner, clip: Path, home: Path) -> None:
    done = run.with_all_keys()("edit", str(clip), "--prompt", "snow", "--provider", "all", "--yes")

    assert done.returncode == 2
    assert done.stdout == ""
    assert "--dry-run" in done.stderr
    assert run.sandbox.requests() == []


def test_a_plan_of_one_service_has_the_same_keys(run: Planner, clip: Path) -> None:
    done = run.with_keys("segmind")(
        "edit", str(clip), "--prompt", "snow", "--provider", "segmind", "--dry-run", "--json"
    )

    (plan,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr
    assert set(plan) == KEYS_OF_A_PLAN
    assert {one["method"] for one in run.sandbox.requests()} <= {"GET"}


def test_an_error_says_whether_it_was_charged(run: Planner, tmp_path: Path) -> None:
    done = run("edit", str(tmp_path / "no.mp4"), "--prompt", "snow", "--provider", "oxen", "--json")

    last = json.loads(done.stdout.splitlines()[-1])
    assert last["error"]["kind"] == "source_missing"
    assert last["error"]["charged"] == "no"
    assert "raw" not in last["error"]


def test_keys_of_all_services_are_listed_and_a_balance_is_only_told_where_it_is_known(run: Planner) -> None:
    run.with_all_keys()

    listed = run("keys", "list")
    tested = {entry.info.id: run("keys", "test", entry.info.id) for entry in SERVICES}

    assert [line.split("\t")[0] for line in listed.stdout.splitlines()] == [entry.info.id for entry in SERVICES]
    for done in tested.values():
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("The key works")
        assert " 0 " not in done.stdout
    assert " left." not in tested["oxen"].stdout
    assert " left." in tested["segmind"].stdout


async def test_the_wait_for_earlier_edits_is_told_beside_the_studio_and_in_it(
    run: Planner, clip: Path, home: Path
) -> None:
    async with a_studio(home, run.sandbox) as studio:
        (job,) = studio.queue.enqueue(a_request(clip))
        await Watch(studio).until(job.id, lambda job: job.state is State.COMPLETED)
        offers = {offer.info.id: offer for offer in await studio.compare(a_request(clip), takes=4)}

    plans = run.with_keys("oxen").plans(str(clip), "--prompt", "snow")

    wait = offers["oxen"].wait
    assert wait is not None
    assert wait.jobs == 1
    assert wait.usual_s < 30
    assert (plans["oxen"]["usual_wait_s"], plans["oxen"]["wait_jobs"]) == (round(wait.usual_s, 1), 1)
    assert offers["segmind"].wait is None
    order = offers["oxen"].order
    assert order is not None
    assert json.loads(order.body)["num_generations"] == 4
    assert str(offers["oxen"].estimate) == "$4.04"


def test_files_never_go_elsewhere_than_was_asked_for(run: Planner, clip: Path) -> None:
    run.with_all_keys()
    for how in (["--dry-run"], ["--yes"]):
        done = run("edit", str(clip), "--prompt", "snow", "--provider", "fal", "--inputs-via", "oxen", *how)

        assert (done.returncode, done.stdout) == (2, "")
        assert "fal.ai hosts the files itself" in done.stderr
    assert run.sandbox.requests("POST") == []


def test_an_address_that_cannot_be_used_is_refused_before_there_is_a_job(run: Planner, clip: Path) -> None:
    run.with_all_keys().environ["KLINGSTUDIO_FAL_URL"] = "junk"

    done = run("edit", str(clip), "--prompt", "snow", "--provider", "fal", "--yes")

    assert done.returncode == 2
    assert "KLINGSTUDIO_FAL_URL" in done.stderr
    assert run("jobs").stdout == "No jobs yet.\n"


def test_what_cannot_be_done_with_a_key_is_said(run: Planner) -> None:
    kept = run.with_keys("fal")("keys", "remove", "fal")
    needless = run("keys", "remove", "sandbox")

    assert (kept.returncode, kept.stdout) == (0, "The key in FAL_KEY stays and is used: it is not ours to remove.\n")
    assert needless.returncode == 2
    assert "Sandbox needs no key" in needless.stderr
