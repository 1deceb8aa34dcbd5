"""`joblet.quirks`: which are on, how they change, and the page about them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest

import joblet_fake
from joblet_fake import FakeJoblet
from joblet_fake.cli.quirks import page
from joblet_fake.model import BEHAVIORS, QUIRKS

if TYPE_CHECKING:
    from collections.abc import Iterator

HOUSE = Path(joblet_fake.__file__).parent
PAGE = Path(__file__).parents[2] / "docs" / "quirks.md"
LATER = "2099-01-01T00:00:00Z"
pytest_plugins = ["pytester"]


@pytest.fixture
def frozen() -> Iterator[FakeJoblet]:
    with FakeJoblet(clock="frozen") as joblet:
        yield joblet
        joblet.check()


def refused(call: Any) -> tuple[str, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    error: Any = caught.value
    return error.code().name, error.details()


def test_a_server_has_none_on_and_the_documented_one_the_documentations() -> None:
    """DOC-01: what the documentation says is what cites it."""
    documented = {name for name, quirk in QUIRKS.items() if "DOC-01" in quirk.facts}

    assert set(FakeJoblet().quirks) == set()
    assert set(FakeJoblet(behavior="documented").quirks) == documented
    assert len(documented) >= 9


def test_quirks_are_a_set_in_the_order_of_the_page() -> None:
    quirks = FakeJoblet().quirks
    assert repr(quirks) == "<quirks none>"

    quirks.enable("logs-once", "cancel-works", "logs-once")

    assert list(quirks) == ["cancel-works", "logs-once"]
    assert (len(quirks), repr(quirks)) == (2, "<quirks cancel-works, logs-once>")
    assert "logs-once" in quirks
    quirks.disable("logs-once", "stop-answers")
    assert "logs-once" not in quirks
    assert quirks == {"cancel-works"}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("log-once", r"there is no quirk 'log-once'; near: 'logs-once'"),
        ("Cancel works", r"near: 'cancel-works'"),
        ("x", r"it is one of cancel-works, .*, workflow-jobs-by-id"),
        (3, r"there is no quirk .*3"),
    ],
)
def test_a_name_that_is_none_is_refused_with_what_is_near(name: Any, told: str) -> None:
    quirks = FakeJoblet(behavior="documented").quirks
    for use in (quirks.enable, quirks.disable, quirks.__contains__):
        with pytest.raises(ValueError, match=told):
            use(name)
    assert set(quirks) == BEHAVIORS["documented"]


def test_a_wrong_name_beside_a_right_one_changes_nothing() -> None:
    quirks = FakeJoblet().quirks
    with pytest.raises(ValueError, match="no quirk"):
        quirks.enable("cancel-works", "cancel-worx")
    assert list(quirks) == []


def test_a_change_counts_from_the_next_call_on(frozen: FakeJoblet) -> None:
    seen = []
    for change in (frozen.quirks.enable, frozen.quirks.disable):
        change("run-job-initializing")
        seen.append(frozen.rpc("RunJob", command="true").status)
    assert seen == ["INITIALIZING", "RUNNING"]


def test_a_reset_goes_back_to_what_a_fake_started_with_and_a_restart_does_not() -> None:
    with FakeJoblet(behavior="documented", tls=False) as joblet:
        joblet.quirks.disable("cancel-works")
        joblet.quirks.enable("logs-once")
        changed = set(joblet.quirks)

        joblet.restart()
        assert set(joblet.quirks) == changed

        joblet.reset()
        assert set(joblet.quirks) == BEHAVIORS["documented"]


def test_quirks_do_not_change_the_ids_of_a_seed() -> None:
    """A test that switches one on keeps its other expectations."""
    made = []
    for names in ((), tuple(QUIRKS)):
        with FakeJoblet(clock="frozen", tls=False, seed=7) as joblet:
            joblet.quirks.enable(*names)
            joblet.rpc("ListJobs")
            made.append([joblet.rpc("RunJob", command="true").job_uuid for _ in range(3)])
    assert made[0] == made[1]


def test_random_orders_and_histories_repeat_with_the_seed() -> None:
    def seen(seed: int) -> list[object]:
        with FakeJoblet(clock="frozen", tls=False, seed=seed) as joblet:
            joblet.quirks.enable("random-list-order", "shuffled-history")
            job_id = joblet.rpc(
                "RunJob", command="sh", args=["-c", "for a in 1 2 3 4 5 6 7 8 9; do echo $a; done"]
            ).job_uuid
            for letter in "abcdefgh":
                joblet.rpc("CreateVolume", name=letter, size="1MB", type="memory")
            return [
                [volume.name for volume in joblet.rpc("ListVolumes").volumes],
                [chunk.payload for chunk in joblet.rpc("GetJobLogs", uuid=job_id)],
            ]

    assert seen(1) == seen(1)
    one, other = seen(1), seen(2)
    assert one[0] != other[0]
    assert one[1] != other[1]


def test_a_working_cancel_asks_for_the_role_that_a_stop_asks_for(frozen: FakeJoblet) -> None:
    """Without it nobody is asked (JOB-CAN-01, SURF-05)."""
    job_id = frozen.rpc("RunJob", command="true", schedule=LATER).job_uuid

    def cancel() -> None:
        frozen.rpc("CancelJob", role="viewer", uuid=job_id)

    assert refused(cancel) == ("UNIMPLEMENTED", "method CancelJob not implemented")
    frozen.quirks.enable("cancel-works")
    assert refused(cancel) == (
        "PERMISSION_DENIED",
        "role viewer is not allowed to perform operation stop_job",
    )
    assert frozen.jobs[job_id].status == "SCHEDULED"


def test_a_working_cancel_ends_no_job_that_runs(frozen: FakeJoblet) -> None:
    """JOB-CAN-02: that is what StopJob is for."""
    frozen.quirks.enable("cancel-works")
    job_id = frozen.rpc("RunJob", command="sleep", args=["60"]).job_uuid

    code, text = refused(lambda: frozen.rpc("CancelJob", uuid=job_id))

    assert (code, frozen.jobs[job_id].status) == ("INTERNAL", "RUNNING")
    assert text == f"job cancellation failed: job is not scheduled: {job_id} (status: RUNNING)"
    frozen.quirks.enable("fitting-codes")
    assert refused(lambda: frozen.rpc("CancelJob", uuid=job_id))[0] == "FAILED_PRECONDITION"
    assert refused(lambda: frozen.rpc("CancelJob", uuid=job_id[:8]))[0] == "NOT_FOUND"


def test_a_job_stopped_for_good_can_be_deleted_for_good() -> None:
    with FakeJoblet(clock="frozen", tls=False, pace="real", behavior="documented") as joblet:
        job_id = joblet.rpc("RunJob", command="sleep", args=["60"]).job_uuid
        joblet.clock.advance(seconds=1)
        joblet.rpc("StopJob", uuid=job_id)
        joblet.rpc("JobService.DeleteJob", uuid=job_id)

        joblet.clock.advance(seconds=5)

        assert not joblet.jobs
        joblet.check()


def test_a_real_process_begins_in_its_work_dir() -> None:
    """JOB-RUN-55: with the quirk."""
    with FakeJoblet(exec=True, tls=False) as joblet:
        joblet.quirks.enable("work-dir-honoured")
        said = {}
        for folder in ("data/run", "/work", "/volumes/v", "/nowhere/at/all"):
            joblet.rpc("CreateVolume", name="v", size="1MB", type="memory")
            job_id = joblet.rpc(
                "RunJob",
                command="sh",
                args=["-c", 'basename "$PWD"; test "$(pwd)" = "$PWD" && cat there'],
                work_dir=folder,
                volumes=["v"],
                uploads=[{"path": "data/run/there", "content": b"found\n"}],
            ).job_uuid
            joblet.jobs.wait(job_id, timeout=10)
            said[folder] = joblet.jobs[job_id].output_bytes.decode()
        joblet.check()
    assert said["data/run"] == "run\nfound\n"
    assert said["/work"].startswith("work\n")
    assert said["/volumes/v"].startswith("v\n")
    assert "no such file or directory" in said["/nowhere/at/all"]


def test_the_page_is_what_the_command_writes() -> None:
    assert PAGE.read_text("utf-8") == page(), "docs/quirks.md is stale: run `make docs`"


def test_the_page_has_every_quirk_once() -> None:
    listed = re.findall(r"^\| `([a-z0-9-]+)` \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert listed == list(QUIRKS)


def test_the_pages_example_passes(pytester: pytest.Pytester) -> None:
    (example,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    pytester.makepyfile(example)

    pytester.runpytest_subprocess("-p", "no:asyncio").assert_outcomes(passed=1)


def test_each_quirk_is_asked_for_in_one_place() -> None:
    """The one that owns the behaviour."""
    asked = [
        name
        for path in HOUSE.rglob("*.py")
        for name in re.findall(r'"([a-z0-9-]+)" (?:not )?in [a-z_.]*quirks\b', path.read_text())
        if path.name not in {"quirks.py", "quirks_view.py"}
    ]

    assert sorted(asked) == sorted(QUIRKS)


def test_a_marker_chooses_the_documented_behaviour(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest

        @pytest.mark.joblet(behavior="documented")
        def test_documented(joblet):
            assert joblet.rpc("RunJob", command="true").status == "INITIALIZING"

        def test_server(joblet):
            assert joblet.rpc("RunJob", command="true").status == "RUNNING"
    """)

    pytester.runpytest_subprocess("-p", "no:asyncio").assert_outcomes(passed=2)
