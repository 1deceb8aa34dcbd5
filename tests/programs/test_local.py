"""Jobs as real processes: what they get, how they end, and that nothing of them is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import psutil
import pytest
from runs import Host, host, output

from joblet_fake import FakeJoblet
from joblet_fake.model import Job, Upload
from joblet_fake.programs import local_process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.skipif(os.name != "posix", reason="process groups need POSIX")

PATIENCE = 20.0
"""Real seconds after which a test gives up; far more than anything takes."""


OF_A_PROCESS = {"joblet-fake-output", "joblet-fake-process"}
"""The names of the threads that there are for each process."""


def eventually(holds: Callable[[], Any]) -> Any:
    """Wait until something holds, and give it."""
    end = time.monotonic() + PATIENCE
    while not (found := holds()):
        assert time.monotonic() < end, "it does not come to hold"
        time.sleep(0.005)
    return found


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the folder under which scratch folders lie."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def here() -> Iterator[Host]:
    made = host(mode="flowing", local=True)
    yield made
    made.programs.close()


def ended(job: Job) -> Job:
    """Wait for a job's end."""
    done = threading.Event()
    leave = job.watch(done.set)
    while job.end_ns is None:
        assert done.wait(PATIENCE), job.status
        done.clear()
    leave()
    return job


def python(here: Host, program: str, *args: str, **fields: Any) -> Job:
    return here.run(sys.executable, "-c", program, *args, **fields)


def pid_of(job: Job, line: int = 0) -> int:
    """Give the process id that a job printed on a line."""
    return int(eventually(lambda: output(job).split(b"\n")[:-1][line : line + 1])[0])


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


# What a job gets


def test_a_job_is_a_real_process(here: Host) -> None:
    job = ended(python(here, "import os; print(os.getpid())"))
    assert (job.status, job.exit_code) == ("COMPLETED", 0)
    assert int(output(job)) != os.getpid()
    assert job.explanation == "a real local process"


def test_a_script_of_the_tests_own_comes_first(here: Host) -> None:
    here.programs.on("make").prints("scripted")
    assert output(ended(here.run("make"))) == b"scripted"


def test_it_finds_its_uploads_where_it_runs(here: Host, scratch: Path) -> None:
    """JOB-RUN-72; a large one too (JOB-RUN-71)."""
    big = os.urandom(2 << 20)
    job = ended(
        here.run(
            "sh",
            "-c",
            "cat a/b.txt; wc -c <big; pwd",
            uploads=(Upload("a/b.txt", b"content\n"), Upload("big", big), Upload("../x", b"no")),
        )
    )
    content, size, cwd = output(job).decode().splitlines()
    assert (content, size.strip()) == ("content", str(2 << 20))
    assert Path(cwd).name == "work"
    assert scratch in Path(cwd).parents
    assert not (scratch / "x").exists()


def test_it_gets_the_environment_and_the_secrets(here: Host) -> None:
    """JOB-RUN-21: the secret wins; JOB-RUN-20: odd names are taken."""
    job = ended(
        here.run(
            "env",
            environment={"A": "plain", "B": "b", "C=D": "e", "": "x", "a b": "c"},
            secret_environment={"A": "secret"},
        )
    )
    seen = output(job).decode().splitlines()
    assert {"A=secret", "B=b", "C=D=e", "a b=c", f"JOB_ID={job.uuid}"} <= set(seen)


def test_it_inherits_nothing_of_the_tests_environment(
    here: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real job inherits its server's (JOB-RUN-85); a test's own would make it depend on that."""
    monkeypatch.setenv("SECRET_OF_THE_TEST", "x")
    assert b"SECRET_OF_THE_TEST" not in output(ended(here.run("env")))


@pytest.mark.parametrize("where", ["environment", "secret_environment"])
def test_a_search_path_of_its_own_counts(here: Host, tmp_path: Path, where: str) -> None:
    program = tmp_path / "mine"
    program.write_text("#!/bin/sh\necho mine\n")
    program.chmod(0o755)
    job = ended(here.run("mine", **{where: {"PATH": f"{tmp_path}:/bin:/usr/bin"}}))
    assert output(job) == b"mine\n"


def test_the_environment_can_change_what_is_run(here: Host) -> None:
    """JOB-RUN-84."""
    job = ended(here.run("echo", "first", "second", environment={"JOB_ARG_0": "other"}))
    assert output(job) == b"other second\n"


def test_stdin_is_empty(here: Host) -> None:
    assert ended(here.run("cat")).status == "COMPLETED"


# Output


def test_output_streams_while_it_runs(here: Host) -> None:
    job = here.run("sh", "-c", "echo one; read never; sleep 0.2; echo two")
    eventually(lambda: output(job) == b"one\n")
    assert job.status == "RUNNING"
    assert output(ended(job)) == b"one\ntwo\n"


def test_both_streams_are_merged_in_the_order_written(here: Host) -> None:
    """JOB-LOG-02."""
    job = ended(here.run("sh", "-c", "echo a; echo b >&2; echo c"))
    assert output(job) == b"a\nb\nc\n"


def test_no_output_is_no_history(here: Host) -> None:
    job = ended(here.run("true"))
    assert output(job) == b""
    assert not here.model.history.has(job.uuid)


def test_large_output_comes_whole_in_chunks_of_32_kib(here: Host) -> None:
    """JOB-LOG-01."""
    size = 8 << 20
    job = ended(
        python(here, f"import sys; sys.stdout.buffer.write(bytes(range(256)) * {size // 256})")
    )
    assert output(job) == bytes(range(256)) * (size // 256)
    assert max(len(job.log.chunk(number)) for number in range(len(job.log))) <= 32 * 1024


def test_the_last_words_before_the_end_are_never_lost(here: Host) -> None:
    jobs = [here.run("sh", "-c", f"printf %08000d {number}") for number in range(20)]
    for number, job in enumerate(jobs):
        assert output(ended(job)) == b"%08000d" % number


def test_a_busy_lock_loses_no_output(here: Host) -> None:
    """The reader and whoever waits for the end both want the lock."""
    job = here.run("sh", "-c", "echo one; sleep 0.05; printf two")
    for _ in range(30):
        with here.clock.lock:
            time.sleep(0.005)
    assert output(ended(job)) == b"one\ntwo"


# Ends


@pytest.mark.parametrize("code", [0, 1, 42, 255])
def test_exit_codes_pass_through(here: Host, code: int) -> None:
    """JOB-SM-12."""
    job = ended(here.run("sh", "-c", f"exit {code}"))
    assert (job.exit_code, job.status) == (code, "FAILED" if code else "COMPLETED")


def test_a_death_by_signal_is_minus_one(here: Host) -> None:
    """JOB-SM-02."""
    job = ended(python(here, "import os; os.abort()"))
    assert (job.exit_code, job.status) == (-1, "FAILED")


def test_a_command_that_is_not_found(here: Host) -> None:
    """JOB-RUN-65, JOB-LOG-31: exit code 1 and the server's line."""
    job = ended(here.run("no-such-command"))
    assert (job.exit_code, job.status) == (1, "FAILED")
    assert output(job).endswith(
        b"[ERROR] [init] joblet failed | component=main "
        b'error="job execution failed: config job.command: runtime not found: no-such-command"\n'
    )


def test_a_relative_path_is_not_found_even_when_it_was_uploaded(here: Host) -> None:
    """JOB-LOG-31; no uploaded file is executable (JOB-RUN-72), and the test's folder is not it."""
    job = ended(here.run("./run.sh", uploads=(Upload("run.sh", b"#!/bin/sh\necho ran\n", 0o755),)))
    assert b"runtime not found: ./run.sh" in output(job)
    job = ended(here.run("sh", "run.sh", uploads=(Upload("run.sh", b"echo ran\n"),)))
    assert output(job) == b"ran\n"


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("missing", "no such file or directory"),
        ("plain", "permission denied"),
        ("folder", "permission denied"),
        ("garbage", "exec format error"),
    ],
)
def test_a_path_that_cannot_be_executed(here: Host, tmp_path: Path, kind: str, reason: str) -> None:
    """JOB-LOG-33: two lines, exit code 1."""
    path = tmp_path / "program"
    if kind == "folder":
        path.mkdir()
    elif kind != "missing":
        path.write_bytes(b"\x00garbage")
        path.chmod(0o755 if kind == "garbage" else 0o644)
    job = ended(here.run(str(path)))
    assert (job.exit_code, job.status) == (1, "FAILED")
    first, second = output(job).decode().splitlines()
    assert first.endswith(f'mode=init error="{reason}"')
    assert second.endswith(f'error="job execution failed: execution failed: {reason}"')


def test_what_no_process_can_have_fails_the_launch() -> None:
    """JOB-RUN-81; what clients send is seen before (JOB-RUN-86), runtimes' variables are not."""
    with FakeJoblet(exec=True) as joblet:
        joblet.runtimes.add("python-3.11", environment={"A": "\0"})
        with pytest.raises(grpc.RpcError, match="failed to start process: embedded null byte"):
            joblet.rpc("RunJob", command="env", runtime="python-3.11")
        (job,) = joblet.jobs.values()
        assert (job.status, job.exit_code) == ("FAILED", -1)


def test_too_long_a_command_line_is_told(here: Host) -> None:
    job = ended(here.run("echo", "x" * (4 << 20)))
    assert b"argument list too long" in output(job)


def test_a_timeout_kills() -> None:
    here = host(mode="flowing", local=True, timeout=0.2)
    job = ended(here.run("sleep", "60"))
    assert (job.status, job.exit_code) == ("FAILED", -1)
    assert job.explanation.endswith("; killed after 0.2 s, the limit of local execution")
    here.programs.close()


# Stopping

FAMILY = """
import os, subprocess, sys, time
child = "import os, subprocess, sys, time; print(os.getpid(), flush=True); {rest}"
grandchild = child.format(rest="time.sleep(60)")
rest = "subprocess.Popen([sys.executable, '-c', sys.argv[1]]); time.sleep(60)"
print(os.getpid(), flush=True)
subprocess.Popen([sys.executable, "-c", child.format(rest=rest), grandchild])
time.sleep(60)
"""


def test_a_stop_ends_children_and_grandchildren(here: Host) -> None:
    """JOB-STP-05: the whole process group."""
    job = python(here, FAMILY)
    pids = [pid_of(job, line) for line in range(3)]
    here.stop(job)
    ended(job)
    assert [status for _, status in job.statuses[-2:]] == ["STOPPED", "FAILED"]
    assert job.exit_code == -1
    for pid in pids:
        eventually(lambda pid=pid: is_gone(pid))


def test_children_that_are_left_die_with_the_job(here: Host) -> None:
    """As they do with a real job's PID namespace."""
    job = ended(here.run("sh", "-c", "sleep 60 & echo $!"))
    assert job.status == "COMPLETED"
    eventually(lambda: is_gone(pid_of(job)))


def test_a_process_may_end_itself_on_the_signal(here: Host) -> None:
    """JOB-STP-06, JOB-STP-07: COMPLETED with 0."""
    job = here.run(
        "sh", "-c", "trap 'echo bye; exit 0' TERM; echo hi; while :; do sleep 0.01; done"
    )
    eventually(lambda: output(job) == b"hi\n")
    here.stop(job)
    ended(job)
    assert job.status == "COMPLETED"
    assert output(job).startswith(b"hi\n")
    assert output(job).endswith(b"bye\n")


def test_one_that_ignores_the_signal_is_killed_after_a_tenth_of_a_second(here: Host) -> None:
    """JOB-STP-05."""
    job = here.run("sh", "-c", "trap '' TERM; echo hi; while :; do sleep 1; done")
    eventually(lambda: output(job) == b"hi\n")
    begun = time.monotonic()
    outcome = here.stop(job)
    ended(job)
    assert outcome.done
    assert job.exit_code == -1
    assert time.monotonic() - begun >= local_process.STOP_GRACE


# Nothing is left


def leftovers(scratch: Path) -> list[Path]:
    return list(scratch.glob("joblet-fake-*"))


def test_a_jobs_folder_goes_with_the_job(here: Host, scratch: Path) -> None:
    """Folders without permissions too."""
    job = ended(here.run("sh", "-c", "mkdir -p d/e; echo x >d/e/f; chmod 000 d; pwd"))
    assert not Path(output(job).decode().strip()).parent.exists()
    here.programs.close()
    assert leftovers(scratch) == []


def test_a_link_out_of_the_folder_is_not_followed(here: Host, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir(mode=0o500)
    (tmp_path / "file").write_text("x")
    ended(here.run("sh", "-c", f"ln -s {kept} a; ln -s {tmp_path} b; mkdir c; chmod 000 c"))
    assert kept.stat().st_mode & 0o777 == 0o500
    assert (tmp_path / "file").exists()


def test_closing_kills_what_runs_and_removes_everything(here: Host, scratch: Path) -> None:
    jobs = [python(here, FAMILY) for _ in range(2)]
    pids = [pid_of(job, line) for job in jobs for line in range(3)]
    assert here.programs.busy
    assert len(leftovers(scratch)) == 1
    here.programs.close()
    assert leftovers(scratch) == []
    assert not here.programs.busy
    for pid in pids:
        eventually(lambda pid=pid: is_gone(pid))
    here.programs.close()


def test_a_reset_under_the_lock_does_not_wait_for_itself(here: Host, scratch: Path) -> None:
    """And what ended because of it does not come back into the new state."""
    job = here.run("sh", "-c", "while :; do echo x; done")
    eventually(lambda: len(job.log) > 2)
    begun = time.monotonic()
    with here.clock.lock:
        here.programs.clear()
        here.model.clear()
    assert time.monotonic() - begun < PATIENCE / 4
    assert leftovers(scratch) == []
    time.sleep(0.15)
    assert len(here.model.jobs.stored) == 0
    assert ended(here.run("echo", "again")).status == "COMPLETED"


def test_many_jobs_leave_no_thread_and_no_descriptor(here: Host) -> None:
    def run_some() -> tuple[int, int]:
        for job in [here.run("true") for _ in range(10)]:
            ended(job)
        eventually(lambda: not here.programs.busy)
        eventually(lambda: not [t for t in threading.enumerate() if t.name in OF_A_PROCESS])
        process = psutil.Process()
        return process.num_fds(), len(process.children())

    assert run_some() == run_some()


CRASH = """
import sys, tempfile, time
tempfile.tempdir = sys.argv[1]
sys.path.insert(0, sys.argv[2])
from runs import host, output
here = host(mode="flowing", local=True)
jobs = [here.run(sys.executable, "-c", sys.argv[3]) for _ in range(2)]
while any(output(job).count(b"\\n") < 3 for job in jobs):
    time.sleep(0.01)
print(*b" ".join(output(job) for job in jobs).decode().split(), flush=True)
{end}
"""


def crashed(scratch: Path, end: str) -> tuple[subprocess.Popen[str], list[int]]:
    """Start a test process that runs jobs; give it and the jobs' process ids."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            CRASH.format(end=end),
            str(scratch),
            str(Path(__file__).parent),
            FAMILY,
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    pids = [int(word) for word in process.stdout.readline().split()]
    process.stdout.close()
    assert len(pids) == 6
    return process, pids


@pytest.mark.parametrize("how", ["SIGKILL", "SIGTERM", "a return", "os._exit"])
def test_nothing_outlives_a_test_process_that_crashes(scratch: Path, how: str) -> None:
    """Even SIGKILL: a guard in a process of its own cleans up."""
    ends = {"a return": "", "os._exit": "import os; os._exit(3)"}
    process, pids = crashed(scratch, ends.get(how, "time.sleep(60)"))
    if how.startswith("SIG"):
        assert leftovers(scratch)
        assert not any(is_gone(pid) for pid in pids)
        process.send_signal(signal.Signals[how])
    begun = time.monotonic()
    process.wait(PATIENCE)
    # A running job does not hold up the interpreter's exit.
    assert time.monotonic() - begun < 5
    for pid in pids:
        eventually(lambda pid=pid: is_gone(pid))
    eventually(lambda: not leftovers(scratch))


def test_a_guard_that_was_killed_is_no_reason_to_fail(here: Host, scratch: Path) -> None:
    assert ended(here.run("true")).status == "COMPLETED"
    guard = eventually(
        lambda: next(
            (
                child
                for child in psutil.Process().children()
                if "guard.py" in " ".join(child.cmdline())
            ),
            None,
        )
    )
    guard.kill()
    guard.wait(PATIENCE)
    for _ in range(3):
        assert ended(here.run("true")).status == "COMPLETED"
    here.programs.close()
    assert leftovers(scratch) == []


# Volumes


def test_real_processes_share_a_volume_with_each_other_and_with_scripts(here: Host) -> None:
    """VOL-28: below /volumes in arguments and variables, and beside the job's own folder."""
    here.model.volumes.create("data", "1MB", "memory", 0)
    here.model.volumes.tree("data").write("given", b"given\n")
    here.programs.on("scripted").writes("/volumes/data/scripted", "scripted\n")
    script = "cat /volumes/data/given; mkdir /volumes/data/in; echo one > ../volumes/data/in/f"
    job = ended(here.run("sh", "-c", script, volumes=("data",)))
    assert (job.status, output(job)) == ("COMPLETED", b"given\n")
    ended(here.run("scripted", volumes=("data",)))
    tree = here.model.volumes.tree("data")
    assert (tree.read("in/f"), tree.read("scripted")) == (b"one\n", b"scripted\n")
    program = (
        "import os; print(open(os.environ['FILE']).read() + open('../volumes/data/in/f').read())"
    )
    job = ended(
        python(here, program, volumes=("data",), environment={"FILE": "/volumes/data/scripted"})
    )
    assert output(job) == b"scripted\none\n\n"


def test_real_processes_see_the_volumes_alone_that_they_named(here: Host) -> None:
    """VOL-27, VOL-28."""
    for name in ("a", "b"):
        here.model.volumes.create(name, "1MB", "memory", 0)
    job = ended(here.run("ls", "/volumes", volumes=("a", "no")))
    assert output(job).endswith(b"\na\n")
    assert output(job).count(b"[WARN]") == 2
    assert output(ended(here.run("ls", "/volumes"))) == b""


def test_real_processes_write_at_once(here: Host) -> None:
    here.model.volumes.create("data", "1MB", "memory", 0)
    job = here.run("sh", "-c", "echo x > /volumes/data/f; sleep 60", volumes=("data",))
    eventually(lambda: here.model.volumes.tree("data").read("f") == b"x\n")
    here.stop(job)


def test_a_removed_volume_is_gone_for_later_processes(here: Host) -> None:
    """VOL-22."""
    here.model.volumes.create("data", "1MB", "memory", 0)
    script = "echo x > /volumes/data/f; echo ready; sleep 60"
    job = here.run("sh", "-c", script, volumes=("data",))
    eventually(lambda: b"ready" in output(job))
    here.model.volumes.remove("data")
    assert job.mounts["data"].tree.read("f") == b"x\n"
    assert b"does not exist" in output(ended(here.run("true", volumes=("data",))))
    here.stop(job)


def test_volumes_outlive_their_folders(here: Host, scratch: Path) -> None:
    """Their files are read into memory when the scratch folder goes, and given out again."""
    here.model.volumes.create("data", "1MB", "memory", 0)
    ended(here.run("sh", "-c", "echo x > /volumes/data/f", volumes=("data",)))
    here.programs.clear()
    assert list(scratch.iterdir()) == []
    assert here.model.volumes.tree("data").read("f") == b"x\n"
    assert output(ended(here.run("cat", "/volumes/data/f", volumes=("data",)))) == b"x\n"


def test_at_the_real_pace_volumes_are_there_when_a_process_begins() -> None:
    here = host(pace="real", mode="frozen", local=True)
    here.model.volumes.create("data", "1MB", "memory", 0)
    here.model.volumes.tree("data").write("f", b"x")
    outcome = here.submit("cat", "/volumes/data/f", volumes=("data",))
    while not outcome.done:
        here.clock.step()
    job = outcome.result()
    eventually(lambda: output(job) == b"x")
    here.programs.close()
