"""Commands that make, move and remove files, against the real ones."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from runs import Host, host, output

SH = shutil.which("sh")
GNU = bool(SH) and Path(SH or "").resolve().name == "dash"

real_ones = pytest.mark.skipif(not GNU, reason="no Debian with a plain sh to compare with")

SCRIPTS = r"""
mkdir a; mkdir a; echo $?; ls
mkdir -p a/b/c a/b; echo $?; ls a a/b
mkdir a/b; echo $?; ls
mkdir; echo $?
mkdir a b c; rmdir a c; ls
mkdir a; echo x > a/f; rmdir a; echo $?; rmdir a/f; echo $?; rmdir none; echo $?
echo x > f; rm f; ls; rm f; echo $?; rm -f f none; echo $?
mkdir a; rm a; echo $?; rm -r a; ls; echo $?
mkdir -p a/b; echo x > a/b/f; rm -rf a; ls
rm; echo $?; rm -f; echo $?
echo x > f; mkdir d; rm f d; echo $?; ls
touch f; cat f; echo one > f; touch f; cat f; touch d/f; echo $?
touch; echo $?
echo one > f; cp f g; cat g; cp f none/g; echo $?; cp none g; echo $?
echo one > f; mkdir d; cp f d; cat d/f; echo two > g; cp f g d/; ls d; cat d/g
echo one > f; cp f; echo $?; cp; echo $?; cp f f; echo $?
echo one > f; echo two > g; cp f g none; echo $?
mkdir -p a/b; echo x > a/b/f; cp a c; echo $?; cp -r a c; cat c/b/f; cp -r a c; cat c/a/b/f
mkdir a; cp -r a a/b; echo $?
echo one > f; mv f g; ls; cat g; mv none g; echo $?; mv g; echo $?
echo one > f; mkdir d; mv f d; ls; cat d/f; mv d e; ls; cat e/f
mkdir a; mv a a/b; echo $?; ls
echo one > f; echo two > g; mv f g; cat g; ls
seq 20 | head; seq 20 | tail -n 3; seq 20 | head -2; seq 3 | tail -c 2; seq 3 | head -c 3; echo
printf 'a\nb' | tail -n 1; echo; printf 'a\nb' | head -n 5; seq 2 | head -n 0; seq 2 | tail -n0
seq 3 > f; seq 5 9 > g; head -n 1 f g; tail -n 1 f none g; echo $?; head none; echo $?
mkdir d; head d; echo $?; head -n x f; echo $?
echo one | tee f g; cat f g; echo two | tee -a f; cat f; echo x | tee d/f; echo $?
echo one > d/f; echo $?; cat d/f; echo $?; echo two > d/f 2>/dev/null; echo $?
mkdir d; echo one > d; echo $?; echo one > f; echo x > f/g; echo $?
echo one > f; { echo two; echo three; } >> f; cat f; false > g; cat g; ls
echo one > f; cat f > f; cat f
mkdir d; cd d; echo x > ../f; cd ..; cat f d/../f ./d/../f
mkdir d; [ -d d ] && [ -e d ] && [ ! -f d ] && echo folder; [ -d none ]; echo $?
mkdir b a; echo x > c; echo y > .h; ls; ls -a; ls -A; ls -d a; ls a b; ls c a; ls none c; echo $?
"""


def fake(script: str) -> tuple[str, bool, int]:
    job = host().run("sh", "-c", script)
    assert job.explanation == "built in: sh -c", (script, job.explanation)
    log = job.log
    return log.content("stdout").decode(), bool(log.content("stderr")), job.exit_code


def real(script: str, folder: Path) -> tuple[str, bool, int]:
    done = subprocess.run(
        ["sh", "-c", script],
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
        cwd=folder,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=30,
        check=False,
    )
    return done.stdout.decode(), bool(done.stderr), done.returncode


@real_ones
@pytest.mark.parametrize("script", SCRIPTS.strip().split("\n"))
def test_a_script_leaves_the_files_that_real_commands_leave(script: str, tmp_path: Path) -> None:
    """What they print and their status; of a complaint only that there is one."""
    assert fake(script) == real(script, tmp_path)


places = st.sampled_from(["a", "b", "a/b", "b/a", "a/b/c", ".", "./b"])
moves = st.one_of(
    st.tuples(
        st.sampled_from(["mkdir", "mkdir -p", "rm", "rm -r", "rm -rf", "rmdir", "touch"]),
        places.filter(lambda place: not place.endswith(".")),
    ).map(" ".join),
    # What a real cp leaves of a folder that it was to copy into itself is nobody's business.
    st.tuples(st.sampled_from(["cp", "cp -r"]), places, places)
    .filter(lambda words: words[1].strip("./")[:1] != words[2].strip("./")[:1] and words[1] != ".")
    .map(" ".join),
    st.tuples(st.sampled_from(["echo x >", "echo y >>", "cat", "ls", "cd"]), places).map(" ".join),
)


@real_ones
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(moves, min_size=1, max_size=6))
def test_any_list_of_them_does(tmp_path: Path, lines: list[str]) -> None:
    folder = tmp_path / "scratch"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    script = "\n".join(f"{line} 2>/dev/null; echo $?" for line in lines)
    assert fake(script) == real(script, folder)


def ran(here: Host, script: str, **fields: Any) -> bytes:
    return output(here.run("sh", "-c", script, **fields))


def test_a_file_is_moved_from_volume_to_volume() -> None:
    here = host()
    for name in "ab":
        here.model.volumes.create(name, "8KB", "memory", 0)
    script = (
        "echo x > f; mv f /volumes/a; cp /volumes/a/f /volumes/b/g; rm /volumes/a/f; ls /volumes/*"
    )
    ran(here, script.replace("/*", "/b"), volumes=("a", "b"))
    assert here.model.volumes.tree("b").read("g") == b"x\n"
    assert here.model.volumes.tree("a").read("f") is None


def test_a_volumes_own_folder_can_not_be_removed() -> None:
    here = host()
    here.model.volumes.create("a", "8KB", "memory", 0)
    here.model.volumes.tree("a").write("f", b"x")
    assert ran(here, "rm -r /volumes/a; echo $?", volumes=("a",)) == (
        b"rm: cannot remove '/volumes/a': Device or resource busy\n1\n"
    )
    assert here.model.volumes.tree("a").read("f") is None
    assert ran(here, "mkdir /volumes/a; rmdir /work; echo $?", volumes=("a",)) == (
        b"mkdir: cannot create directory '/volumes/a': File exists\n"
        b"rmdir: failed to remove '/work': Device or resource busy\n1\n"
    )


def test_a_full_volume_stops_a_copy() -> None:
    """VOL-28."""
    here = host()
    here.model.volumes.create("a", "4KB", "memory", 0)
    script = (
        "seq 3000 > f; cp f /volumes/a/f; echo $?; wc -c < /volumes/a/f; "
        "tee /volumes/a/g < f | tail -n1"
    )
    assert ran(here, script, volumes=("a",)) == (
        b"cp: error writing '/volumes/a/f': No space left on device\n1\n4096\n"
        b"tee: /volumes/a/g: No space left on device\n3000\n"
    )


def test_an_option_that_is_not_known_is_told() -> None:
    """In the job's explanation: it is passed over."""
    job = host().run("sh", "-c", "mkdir -v a; ls")
    assert output(job) == b"a\n"
    assert "nothing was run for 'mkdir -v'" in job.explanation
