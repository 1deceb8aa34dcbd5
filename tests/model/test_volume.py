from __future__ import annotations

import pytest
from puppets import Stage

from joblet_fake.model import JobSpec, Refusal
from joblet_fake.model.tree import names
from joblet_fake.model.volume import Mount, StorageRefusal, Volumes, asked

MIB = 2**20


def refused(volumes: Volumes, name: str, size: str = "1MB", kind: str = "memory") -> str:
    with pytest.raises(Refusal) as caught:
        volumes.create(name, size, kind, 0)
    return caught.value.text


def mounted(volumes: Volumes, name: str) -> Mount:
    found = volumes.mount(name)
    assert not isinstance(found, str), found
    return found[1]


def written(volumes: Volumes, name: str) -> Mount:
    mount = mounted(volumes, name)
    mount.tree.write("f", b"old")
    return mount


@pytest.mark.parametrize("name", ["a", "0", "a-b_C", "A" * 63, "a--__b"])
def test_names_that_are_taken(name: str) -> None:
    """VOL-04."""
    volumes = Volumes()
    assert volumes.create(name, "1MB", "memory", 0).path == f"/opt/joblet/volumes/{name}"
    assert name in volumes


@pytest.mark.parametrize(
    "name",
    ["-a", "a-", "_a", "a b", "a.b", "a/b", "..", "\u00fc", "a\n", "a\0", "a" * 64, "\u0661"],
)
def test_names_that_are_refused(name: str) -> None:
    """VOL-04."""
    assert refused(Volumes(), name) == (
        f"invalid volume name: {name} "
        "(must contain only alphanumeric characters, hyphens, and underscores)"
    )


def test_the_first_of_several_faults_is_told() -> None:
    """VOL-02, VOL-03, VOL-10; nothing is made."""
    volumes = Volumes()
    assert refused(volumes, "", "", "") == "volume name cannot be empty"
    assert refused(volumes, "-", "", "").startswith("invalid volume name: -")
    assert refused(volumes, "a", "", "") == "invalid size: size cannot be empty"
    assert refused(volumes, "a", "0", "") == "volume size must be positive"
    assert refused(volumes, "a", "1", "") == "invalid volume type: "
    assert refused(volumes, "a", "1", "Memory") == "invalid volume type: Memory"
    assert (len(volumes), "a" in volumes) == (0, False)


def test_made_again_it_is_new_and_older_jobs_keep_the_old_one() -> None:
    """VOL-12."""
    volumes = Volumes()
    volumes.create("a", "1MB", "memory", 1)
    old = written(volumes, "a")
    again = volumes.create("a", "2MB", "memory", 2)
    assert [*volumes] == [again]
    assert (again.size, again.created_ns) == ("2MB", 2)
    assert names(volumes.tree("a"), "") == []
    assert old.tree.read("f") == b"old"
    refused(volumes, "a", "1XB")
    assert [*volumes] == [again]


@pytest.mark.parametrize("kind", ["memory", "filesystem"])
def test_a_full_disk_has_no_room_for_a_new_volume_and_makes_an_old_one_again(kind: str) -> None:
    """FAULT-06; the fields are judged before."""
    volumes = Volumes()
    volumes.create("old", "1MB", kind, 1)
    refused(volumes, "a", "1XB")
    with pytest.raises(StorageRefusal) as caught:
        volumes.create("a", "1MB", kind, 2, full=True)
    assert caught.value.text == (
        "failed to create volume data directory: "
        "mkdir /opt/joblet/volumes/a: no space left on device"
    )
    with pytest.raises(Refusal, match="invalid volume type") as wrong:
        volumes.create("a", "1MB", "disk", 2, full=True)
    assert not isinstance(wrong.value, StorageRefusal)
    assert volumes.create("old", "2MB", kind, 2, full=True).size == "2MB"
    assert ([each.name for each in volumes], "a" in volumes) == (["old"], False)


def test_a_removed_volume_is_gone_for_later_jobs_alone() -> None:
    """VOL-20, VOL-21, VOL-22."""
    volumes = Volumes()
    volumes.create("a", "1MB", "memory", 0)
    held = written(volumes, "a")
    volumes.remove("a")
    held.tree.write("g", b"new")
    assert held.tree.read("f") == b"old"
    assert ([*volumes], volumes.mount("a"), "a" in volumes) == ([], "", False)
    for name in ("a", ""):
        with pytest.raises(Refusal, match=f"^volume {name} not found$"):
            volumes.remove(name)


@pytest.mark.parametrize("kind", ["memory", "filesystem"])
def test_made_twice_and_removed_once_its_folder_is_still_there(kind: str) -> None:
    """VOL-32: unlisted, empty, and removed for good by as many removals as makings."""
    volumes = Volumes()
    volumes.create("a", "1MB", kind, 0)
    written(volumes, "a")
    volumes.create("a", "1MB", kind, 0)
    volumes.remove("a")
    assert ([*volumes], "a" in volumes, names(volumes.tree("a"), "")) == ([], True, [])
    mounted(volumes, "a").tree.write("f", b"unlisted")
    volumes.create("a", "1MB", kind, 0)
    assert volumes.tree("a").read("f") is None
    volumes.remove("a")
    assert names(volumes.tree("a"), "") == []


def test_a_plain_directory_keeps_its_files_when_it_is_made_again() -> None:
    """VOL-11, VOL-32: what is mounted over it hides them, and a removal takes them from jobs."""
    volumes = Volumes()
    volumes.create("a", "100KB", "filesystem", 0)
    held = written(volumes, "a")
    volumes.create("a", "1KB", "filesystem", 0)
    assert volumes.tree("a").read("f") == b"old"
    held.tree.write("big", b"x" * MIB)
    volumes.create("a", "1MB", "memory", 0)
    assert volumes.tree("a").read("f") is None
    volumes.remove("a")
    assert "a" not in volumes
    assert held.tree.read("f") is None
    with pytest.raises(FileNotFoundError):
        held.tree.write("f", b"")


def test_what_fits() -> None:
    """VOL-28."""
    volumes = Volumes()
    for kind, room in (("memory", MIB), ("filesystem", 967_680)):
        tree = volumes.create(kind, "1MB", kind, 0) and volumes.tree(kind)
        with pytest.raises(OSError, match="No space left on device"):
            tree.write("f", b"x" * 2 * MIB)
        assert len(tree.read("f") or b"") == room
    assert names(volumes.tree("filesystem"), "") == ["f", "lost+found"]
    assert names(volumes.tree("memory"), "") == ["f"]


@pytest.mark.parametrize("path", ["a", "./a", "a/", "/a//", "a/../a", "a/./../b/../a"])
def test_a_job_names_a_path_to_a_volume(path: str) -> None:
    """VOL-31."""
    volumes = Volumes()
    for name in "ab":
        volumes.create(name, "1MB", "memory", 0)
    found = volumes.mount(path)
    assert found[0] == "a"
    assert found[1].tree is volumes.tree("a")  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("", ""), (".", ""), ("..", ""), ("../a", ""), ("a/..", ""), ("x/../a", ""), ("A", ""),
        ("a/data", ""), ("../../../etc", ""), ("a b", ""), ("\u00fc\n\0", ""),
        ("n" * 256, "file name too long"), ("a/" + "\u00fc" * 128, "file name too long"),
        ("n" * 255, ""), ("a/volume-info.json", "not a directory"),
    ],
)  # fmt: skip
def test_a_path_that_leads_to_no_volume(path: str, problem: str) -> None:
    """VOL-24, VOL-31."""
    volumes = Volumes()
    volumes.create("a", "1MB", "memory", 0)
    assert volumes.mount(path) == problem


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, ["a", "b"]),
        ({"JOB_VOLUMES_COUNT": "1"}, ["a"]),
        ({"JOB_VOLUMES_COUNT": "0"}, []),
        ({"JOB_VOLUMES_COUNT": "-1"}, []),
        ({"JOB_VOLUMES_COUNT": "x"}, []),
        ({"JOB_VOLUMES_COUNT": "+002"}, ["a", "b"]),
        ({"JOB_VOLUMES_COUNT": "999999999", "JOB_VOLUME_77": "c"}, ["a", "b", "c"]),
        ({"JOB_VOLUME_0": "c"}, ["c", "b"]),
        ({"JOB_VOLUME_0": ""}, ["b"]),
        ({"JOB_VOLUME_00": "c"}, ["a", "b"]),
    ],
)
def test_a_client_can_change_a_jobs_volumes_by_the_environment(
    environment: dict[str, str], wanted: list[str]
) -> None:
    """VOL-30."""
    assert asked(JobSpec("true", volumes=("a", "b"), environment=environment)) == wanted
    assert asked(JobSpec("true", volumes=("a", "b"), secret_environment=environment)) == wanted


def test_volumes_asked_for_by_the_environment_alone() -> None:
    """VOL-30."""
    environment = {"JOB_VOLUMES_COUNT": "1", "JOB_VOLUME_0": "a"}
    assert asked(JobSpec("true", environment=environment)) == ["a"]
    assert asked(JobSpec("true")) == []


def test_a_restart_keeps_volumes_and_dates_them_anew() -> None:
    """VOL-19."""
    stage = Stage()
    volumes = stage.model.volumes
    volumes.create("a", "1MB", "memory", 1)
    mount = written(volumes, "a")
    stage.clock.advance(60)
    with stage.clock.lock:
        stage.model.restart()
    assert [volume.created_ns for volume in stage.model.volumes] == [stage.clock.now_ns()]
    assert mounted(stage.model.volumes, "a") is mount


def test_volumes_are_mounted_after_the_answer() -> None:
    """VOL-22: one that is removed in between is missing, and one that is made then is there."""
    stage = Stage(pace="real")
    for name in "ab":
        stage.model.volumes.create(name, "1MB", "memory", 0)
    job = stage.run(volumes=("a", "b", "c"))
    stage.model.volumes.remove("b")
    stage.model.volumes.create("c", "1MB", "memory", 0)
    assert (job.status, job.mounts) == ("RUNNING", {})
    stage.clock.advance(stage.model.pace.start)
    assert sorted(job.mounts) == ["a", "c"]
    assert job.log.content().count(b"volume b does not exist") == 1


def test_a_job_that_is_over_before_gets_none() -> None:
    stage = Stage(pace="real")
    job = stage.run(volumes=("nowhere",))
    stage.puppet(job).exit(0)
    stage.clock.advance(5)
    assert (job.status, job.log.content()) == ("COMPLETED", b"")


def test_a_job_that_can_not_be_launched_has_no_warnings() -> None:
    stage = Stage()
    stage.refuse("no")
    outcome = stage.submit(volumes=("nowhere",))
    stage.clock.advance(5)
    with pytest.raises(Refusal, match="execution failed: no"):
        outcome.result()
    (job,) = stage.model.jobs.stored
    assert job.log.content() == b""


@pytest.mark.parametrize(
    ("fields", "roomy"),
    [({}, False), ({"volumes": ("nowhere",)}, True),
     ({"volumes": ("x",), "environment": {"JOB_VOLUMES_COUNT": "0"}}, False)],
)  # fmt: skip
def test_a_job_that_asks_for_a_volume_has_room(fields: dict[str, object], roomy: bool) -> None:  # noqa: FBT001 - pytest gives it
    """VOL-26."""
    assert Stage().run(**fields).roomy is roomy


def test_a_path_that_can_not_be_read_has_lines_of_its_own() -> None:
    """VOL-31."""
    name = "n" * 256
    lines = Stage().run(volumes=(name,)).log.content().decode().splitlines()
    path = f"/opt/joblet/volumes/{name}/data"
    assert "[ERROR] failed to stat volume directory |" in lines[0]
    assert f'error="stat {path}: file name too long"' in lines[0]
    assert "[WARN] failed to mount volume |" in lines[1]
    assert f'error="failed to stat volume directory: stat {path}: file name too long"' in lines[1]
