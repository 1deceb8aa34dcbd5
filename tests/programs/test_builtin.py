from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from runs import host, output

from joblet_fake.model import Upload

FILES = (Upload("a.txt", b"one\ntwo\n"), Upload("d/b", b"x"), Upload("empty"))


@pytest.mark.parametrize(
    ("line", "out", "code"),
    [
        (["echo", "a", "b  c"], b"a b  c\n", 0),
        (["echo", "-n", "a"], b"a", 0),
        (["echo", "-e", r"a\tb\x41\0101\e"], b"a\tbAA\x1b\n", 0),
        (["echo", "-E", r"a\tb"], b"a\\tb\n", 0),
        (["echo", "-neE", r"a\t"], b"a\\t", 0),
        (["echo", "-x", "a"], b"-x a\n", 0),
        (["echo", "-e", r"a\cb", "c"], b"a", 0),
        (["echo", "-e", r"\xe2\x9c\x93 \377"], b"\xe2\x9c\x93 \xff\n", 0),
        (["echo"], b"\n", 0),
        (["echo", "ü\U0001f600"], "ü\U0001f600\n".encode(), 0),
        (["printf", r"%s-%03d\n", "a", "7"], b"a-007\n", 0),
        (["true", "whatever"], b"", 0),
        (["false"], b"", 1),
        (["pwd"], b"/work\n", 0),
        (["whoami"], b"root\n", 0),
        (["hostname"], b"joblet\n", 0),
        (["hostname", "-I"], b"172.20.0.1 \n", 0),
        (
            ["hostname", "-f"],
            b"/usr/bin/hostname: joblet-fake knows no other option than -I: -f\n",
            1,
        ),
        (["ls", "/", "d", "a.txt"], b"a.txt\n\n/:\nvolumes\nwork\n\nd:\nb\n", 0),
        (["seq", "2", "4"], b"2\n3\n4\n", 0),
        (["seq", "0", ".5", "1"], b"0.0\n0.5\n1.0\n", 0),
        (["seq", "-s", " ", "3"], b"1 2 3\n", 0),
        (["seq", "-w", "9", "10"], b"09\n10\n", 0),
        (["cat", "a.txt", "d/b"], b"one\ntwo\nx", 0),
        (["cat", "/work/a.txt"], b"one\ntwo\n", 0),
        (["cat", "empty"], b"", 0),
        (["cat", "nope"], b"/usr/bin/cat: nope: No such file or directory\n", 1),
        (["cat", "d"], b"/usr/bin/cat: d: Is a directory\n", 1),
        (["cat"], b"", 0),
        (["wc", "-l", "a.txt"], b"2 a.txt\n", 0),
        (["wc", "a.txt"], b"2 2 8 a.txt\n", 0),
        (["wc", "nope"], b"/usr/bin/wc: nope: No such file or directory\n", 1),
        (["ls"], b"a.txt\nd\nempty\n", 0),
        (["ls", "d"], b"b\n", 0),
        (["ls", "-la", "a.txt"], b"a.txt\n", 0),
        (["ls", "nope"], b"/usr/bin/ls: cannot access 'nope': No such file or directory\n", 2),
        (["env", "A=1", "printenv", "A"], b"1\n", 0),
        (["printenv", "X", "NOPE", "Y"], b"x\ny\n", 1),
        (["test", "-f", "a.txt"], b"", 0),
        (["test", "-d", "d"], b"", 0),
        (["test", "-s", "empty"], b"", 1),
        (["test", "-e", "nope"], b"", 1),
        (["test", "a", "==", "a"], b"", 0),
        (["[", "a", "=", "a", "]"], b"", 0),
        (["[", "a", "=", "a"], b"/usr/bin/[: missing ]\n", 2),
        (["test", "1", "-lt", "x"], b"/usr/bin/test: Illegal number: x\n", 2),
        (["date", "+%Y-%m-%dT%H:%M:%S"], b"2026-01-01T00:00:00\n", 0),
        (["date", "-u", "+%s"], b"1767225600\n", 0),
        (["date", "+%s.%N"], b"1767225600.000000000\n", 0),
        (["date"], b"Thu Jan  1 00:00:00 UTC 2026\n", 0),
        (
            ["sleep"],
            b"/usr/bin/sleep: missing operand\nTry '/usr/bin/sleep --help' for more information.\n",
            1,
        ),
        (["/bin/cat", "nope"], b"/bin/cat: nope: No such file or directory\n", 1),
    ],
)
def test_a_command(line: list[str], out: bytes, code: int) -> None:
    """It names itself by the path by which a job's process was called."""
    job = host().run(*line, uploads=FILES, environment={"X": "x", "Y": "y"})
    assert (output(job), job.exit_code) == (out, code)
    assert job.explanation == f"built in: {line[0].removeprefix('/bin/')}"


def test_messages_go_to_stderr() -> None:
    job = host().run("cat", "a.txt", "nope", uploads=FILES)
    assert job.log.content("stdout") == b"one\ntwo\n"
    assert job.log.content("stderr") == b"/usr/bin/cat: nope: No such file or directory\n"


def test_env_prints_the_jobs_environment() -> None:
    """JOB-RUN-83."""
    job = host().run("env", environment={"A": "1"}, secret_environment={"A": "2"})
    assert {b"A=2", b"PWD=/work", b"JOB_COMMAND=env"} <= set(output(job).splitlines())


@pytest.mark.parametrize(
    ("args", "seconds"),
    [(["1"], 1), (["0.5"], 0.5), ([".25s"], 0.25), (["1m", "2h"], 7260), (["1d"], 86_400)],
)
def test_sleep_takes_the_clocks_time(args: list[str], seconds: float) -> None:
    here = host()
    job = here.run("sleep", *args)
    here.clock.advance(seconds - 0.001)
    assert job.status == "RUNNING"
    here.clock.advance(0.001)
    assert job.status == "COMPLETED"


@pytest.mark.parametrize("word", ["infinity", "inf", "9" * 400, "1" * 5000 + "d"])
def test_a_sleep_may_be_endless(word: str) -> None:
    here = host()
    job = here.run("sleep", word)
    here.clock.advance(days=10_000)
    assert job.status == "RUNNING"
    assert here.stopped(job) == ["STOPPED", "FAILED"]


def test_a_long_sequence_comes_in_large_chunks() -> None:
    job = host().run("seq", "100000")
    assert output(job) == b"".join(b"%d\n" % number for number in range(1, 100_001))
    assert len(job.log) < 100


def same(*line: str) -> bool:
    """Compare a command with the program of that name: stdout, and the exit code."""
    job = host().run(*line)
    done = subprocess.run(
        line, capture_output=True, env={"PATH": os.environ["PATH"], "LC_ALL": "C"}, check=False
    )
    return (job.log.content("stdout"), job.exit_code) == (done.stdout, done.returncode)


numbers = st.one_of(
    st.integers(-12, 12).map(str),
    st.decimals(0, 3, places=2).map(str),
    st.sampled_from(["1.0", "0.50", "-0.5", "x", "1e", "08"]),
)


@pytest.mark.skipif(shutil.which("seq") is None, reason="no seq on this machine to compare with")
@settings(max_examples=80, deadline=None)
@given(st.lists(numbers, min_size=1, max_size=3))
def test_seq_counts_as_the_real_one(args: list[str]) -> None:
    # What begins like an option is read as one, or as a number, by version. Empty arguments never
    # reach a process (JOB-RUN-82).
    assume(args[0] != "-0.5" and "" not in args)
    assert same("seq", *args)


GNU = "coreutils" in (
    subprocess.run(
        ["echo", "--version"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin"},
    ).stdout
    if shutil.which("echo", path="/usr/bin:/bin")
    else ""
)


@pytest.mark.skipif(not GNU, reason="no GNU echo on this machine to compare with")
@settings(max_examples=80, deadline=None)
@given(st.lists(st.text("ab\\0x14nec -E", min_size=1, max_size=6), max_size=3))
def test_echo_and_printf_write_as_the_real_ones(args: list[str]) -> None:
    assert same("echo", *args)
    # Of a `\\x` without digits the real one only complains.
    assume(not re.search(r"\\x(?![0-9a-f])", " ".join(args)))
    assert same("printf", "%b|%s|%5s\n", *args)
