"""`sh -c` against the real `sh`, and what only the fake's has to do."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from runs import host

SH = shutil.which("sh")
DASH = SH is not None and Path(SH).resolve().name == "dash"
ENVIRONMENT = {"A": "one", "B": "two  words", "EMPTY": "", "LC_ALL": "C"}
SEARCH = os.environ.get("PATH", os.defpath)

real_sh = pytest.mark.skipif(SH is None, reason="no sh on this machine to compare with")
real_dash = pytest.mark.skipif(not DASH, reason="the sh of this machine is not dash")

Result = tuple[bytes, bytes, int]


def fake(script: str, *args: str) -> Result:
    job = host().run("sh", "-c", script, *args, environment=ENVIRONMENT)
    assert job.explanation == "built in: sh -c", (script, job.explanation)
    return job.log.content("stdout"), job.log.content("stderr"), job.exit_code


@cache
def _scratch() -> Path:
    return Path(os.environ["JOBLET_TEST_SCRATCH"])


@pytest.fixture(autouse=True, scope="module")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ["JOBLET_TEST_SCRATCH"] = str(tmp_path_factory.mktemp("shell"))
    _scratch.cache_clear()


def real(script: str, *args: str) -> Result:
    folder = _scratch()
    for left in folder.iterdir():
        left.unlink()
    done = subprocess.run(
        ["/usr/bin/sh", "-c", script, *args],
        executable=SH,
        env={"PATH": SEARCH, **ENVIRONMENT},
        cwd=folder,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=30,
        check=False,
    )
    return done.stdout, done.stderr, done.returncode


# What was written down by hand: one line each, compared whole, messages too.

SAME_EVERYWHERE = r"""
printf '%s\n' a b c
printf '%d %s\n' 1 a 2
printf '%d\n' 010 0x1f -5 +7
printf '%5d|%-5d|%05d|%+d\n' 42 42 42 42
printf '%x %o %X %#x %#o\n' 255 8 255 255 8
printf '%x %u\n' -1 -1
printf '%c%c\n' hello w
printf '%b\n' 'a\tb' 'x\0101' 'y\101'
printf '%b' 'a\cb' c
printf '\101\377\060\0601\n'
printf '%s'
printf 'no newline'
printf '%s %s\n' a
printf '%.2f %e %g\n' 3.14159 1000 0.0001
printf '%5s|%-5s|%.2s\n' abc abc abc
printf '%%\n'
printf "%d\n" "'A" '"B'
printf '%d|\n' ''
seq 3
seq 2 5
seq 1 2 7
seq 5 1
seq 5 -2 1
seq 0 0.5 2
seq 1.5
seq 1.0 3
seq 0.1 0.1 0.5
seq -2 2
seq -s , 3
seq -w 8 11
true && echo yes || echo no
false && echo yes || echo no
false || false; echo $?
exit 3
exit 300
set -e; { false && true; }; echo x
set -e; { ! true; } >&2; echo x
set -e; if true; then ! true; fi; echo x
set -e; for i in 1; do ! true; done; echo x
set -e; (! true); echo x
set -e; true | { ! true; }; echo x
set -e; { false; }; echo x
(exit 4); echo $?
(exit 4) && echo x; echo $?
echo a; exit 2; echo b
exit 3 && echo no
false || exit 6
echo $A $B "$B" '$A'
echo ${A} ${X:-def} "${X:-a b}" ${EMPTY:-e} $EMPTY "$EMPTY" x
X=1; echo $X; printenv X; echo $?
X=5 printenv X
export X=2; printenv X
X=3; export X; printenv X
export A=x B=y; echo $A $B; printenv A
unset A; echo "[$A]"; printenv A; echo $?
X='a	b'; echo $X "$X"
X=' lead '; echo x${X}y x"$X"y
X=a Y=b; echo $X$Y
X=1; X=2 true; echo $X
echo a >&2
echo a 2>&1
{ echo a; echo b >&2; } 2>&1
(echo a; echo b) >&2
echo a 1>&2 2>/dev/null
echo a 2>/dev/null 1>&2
cat nofile 2>/dev/null; echo $?
echo a > /dev/null
echo a >f; cat f; cat f f
echo a >f; echo b >>f; cat <f
{ echo a; echo b; } >f; cat f
for i in 1 2; do echo $i; done >f; wc -l <f
>f; cat f; echo $?
cat - </dev/null
cd /; pwd
(cd /; pwd); cd /; pwd
echo $((1+2*3)) $((7/2)) $((-7/2)) $((-7%3)) $((010)) $((0x1f)) $((2>1)) $((1&&0)) $((1||0))
X=4; echo $((X*2)) $(($X*2)) $((Z+1)) $(( (X+1)*X ))
echo $((9223372036854775807+1)) $((3037000500*3037000500))
echo $(echo a; echo b) "$(echo a; echo b)"
X=$(false); echo $?
X=$(echo hi; exit 3); echo $? $X
echo $(echo "a  b") "$(echo "a  b")"
if true; then echo t; else echo f; fi
if false; then echo t; elif true; then echo e; else echo f; fi
if false; then echo t; fi; echo $?
if false; then echo t; else echo $?; fi
for i in 1 2 3; do echo $i; done
for i in a b c; do [ $i = b ] && continue; echo $i; done
for i in a b c; do [ $i = b ] && break; echo $i; done; echo $i
for i in $B; do echo "<$i>"; done
for i in "$B"; do echo "<$i>"; done
for i in; do echo x; done; echo $?
false; for i in 1 2; do echo $?; done
i=0; while [ $i -lt 3 ]; do echo $i; i=$((i+1)); done
i=0; until [ $i -ge 2 ]; do i=$((i+1)); done; echo $i $?
while false; do :; done; echo $?
! true; echo $?
! false && echo ok
seq 5 | wc -l
seq 3 | cat | cat
printf 'a b\nc\n' | wc -w
echo hello | wc -c
true | false; echo $?
false | true; echo $?
exit 3 | cat; echo $?
echo a | { cat; echo b; }
(echo in; exit 2) | cat; echo $?
seq 3 | while read x; do echo "<$x>"; done
printf 'a b c\nd\n' | while read x y; do echo "$x-$y"; done
printf 'a\nb' | while read x; do echo $x; done
read X </dev/null; echo $?
[ a = a ]; echo $?
[ a = b ]; echo $?
[ -z "" ] && echo empty
[ -n "$EMPTY" ] || echo empty
[ ! a = b ]; echo $?
[ ! = x ]; echo $?
[ ]; echo $?
[ "" ]; echo $?
[ -f nofile ]; echo $?
[ -d / ]; echo $?
echo a >f; [ -f f ] && [ -s f ] && [ -e f ] && [ ! -d f ] && echo file
[ a = a -a b = b ]; echo $?
[ a = b -o b = b ]; echo $?
test; echo $?
test 3 -gt 2 && echo y
sh -c 'exit 7'; echo $?
sh -c 'echo $0 $1 $#' a b c
X=1; sh -c 'echo x$X'
export X=1; sh -c 'echo x$X'
echo '#' a#b # comment
echo a\ b 'c'\''d' "e\"f" "g\$h" "k\l"
echo a~b {a,b} a]b [a]
echo -- x
echo ""
echo '' x
echo "$@" "$*" $#
: ; echo $?
e=ec; ${e}ho hi
X='echo hi'; $X
$NOPE echo hi
{ exit 5; }; echo no
echo $?
false; echo $? $?
set -e; echo a; false; echo no
set -e; false || true; echo ok; ! true; if false; then :; fi; echo ok; (exit 3); echo no
set -e; { false; echo in; } && echo x; echo y
set -e; false && true; echo y
set -e; X=$(false); echo no
set -e; false | true; echo ok; true | false; echo no
eval echo x; eval 'exit 4'
exec echo x; echo no
trap 'echo t' EXIT; echo x; exit 3
trap 'echo t' EXIT; (echo sub); echo x
sleep 0; echo done
true x y
whoami >/dev/null; echo $?
"""

SAME_ON_DASH = r"""
echo a\nb
echo 'a\nb' "c\td"
echo -n x
echo -e x
echo -n -n x
echo 'a\cb' z
echo '\101\0101\x41\e'
echo '\1011'
echo "a\\b" 'a\\b'
printf 'a\cb'
printf '\xff'
printf
printf '%d\n' abc
printf '%d\n' 08
printf '%d\n' 1x
seq a
seq
seq 1 0 3
seq 1 2 3 4
sleep
sleep x
exit abc
exit -1
cat nofile
cat /
cat < nofile
cat < nofile; echo $?
cd sub; echo $?
[ a == a ]; echo $?
[ 1 -eq x ]; echo $?
[ a -foo b ]; echo $?
[ ; echo $?
break; echo $?
echo $((1/0)); echo after
(echo $((1/0)); echo after); echo $?
X='b c'; echo $((X+1)); echo after
X=1 :; echo $X
X=' a
b '; echo $X
for i in 1 2 3; do (break); echo $i; done
sh -c 'kill -9 $$; echo no'; echo $?
sh -c 'kill $$; echo no'; echo $?
sh -c 'kill -s HUP $$'; echo $?
sh -c 'kill -INT $$'; echo $?
sh -c 'kill -USR1 $$' 2>/dev/null; echo $?
sh -c "trap 'echo got' TERM; kill -TERM \$\$; echo on"
sh -c "trap '' TERM; kill \$\$; echo on"; echo $?
sh -c "trap 'echo no' EXIT; kill \$\$"; echo $?
sh -c 'kill -0 $$' || echo x; sh -c 'exec sh -c "kill -9 \$\$"'; echo $?
sh -c 'kill -9 $$' && echo no || echo $?
kill -9 999999999; echo $?
A=$((1/0)) 2>&1
"""


def lines(text: str) -> list[str]:
    """Cut at line ends; a line that begins with `b '` belongs to the one before."""
    found: list[str] = []
    for line in text.strip("\n").split("\n"):
        if line.startswith("b '"):
            found[-1] += "\n" + line
        else:
            found.append(line)
    return found


@real_sh
@pytest.mark.parametrize("script", lines(SAME_EVERYWHERE))
def test_a_script_does_what_the_real_shell_does(script: str) -> None:
    ours, theirs = fake(script), real(script)
    # Programs of their own name themselves alike everywhere; shells put their own name before.
    assert ours[::2] == theirs[::2]
    if DASH:
        assert ours == theirs


@real_dash
@pytest.mark.parametrize("script", lines(SAME_ON_DASH))
def test_a_plain_shell_is_dash(script: str) -> None:
    """On Debian and Ubuntu `sh` is dash, whose echo and messages are its own."""
    assert fake(script) == real(script)


# Generated lists

texts = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters="\\'\"$`*?[~#!-"),
    min_size=1,
    max_size=6,
)
names = st.sampled_from(["A", "B", "EMPTY", "X", "Y", "NOPE"])
values = st.one_of(
    texts.map("'{}'".format),
    texts.filter(lambda text: "  " not in text).map('"{}"'.format),
    names.map("$".__add__),
    names.map('"${}"'.format),
    names.map("${{{}:-none}}".format),
    st.just("$?"),
    st.integers(0, 99).map(str),
    st.tuples(st.integers(-9, 9), st.sampled_from("+-*<>"), names | st.integers(1, 9).map(str)).map(
        lambda parts: "$(({} {} {}))".format(
            *(part if part not in ("A", "B") else "3" for part in parts)
        )
    ),
    st.sampled_from(["$(echo in)", '"$(seq 2)"', "$(exit 3)", "$(printf 'a b')"]),
)
commands = st.one_of(
    st.lists(values, max_size=3).map(lambda words: " ".join(["echo", *words])),
    st.lists(values, min_size=1, max_size=3).map(lambda words: " ".join(["printf '%s|'", *words])),
    st.sampled_from(["true", "false", ":", "seq 3", "seq 3 -1 1", "cat nofile"]),
    st.integers(0, 300).map("(exit {})".format),
    st.integers(0, 255).map("exit {}".format),
    st.tuples(names, values).map(lambda pair: "{}={}".format(*pair)),
    st.tuples(names, values).map(lambda pair: "export {}={}".format(pair[0], f'"{pair[0]}"')),
    names.map("unset {}".format),
    names.map("printenv {}".format),
    st.tuples(names, values).map(lambda pair: 'test "${}" = {}'.format(pair[0], "one")),
    st.tuples(values, st.sampled_from(["f", "g"])).map(lambda pair: "echo {} >{}".format(*pair)),
    st.sampled_from(["cat f", "cat <f", "cat f g 2>/dev/null", "wc -c <f", "echo more >>f"]),
)
redirected = st.tuples(
    commands, st.sampled_from(["", "", "", " >&2", " 2>&1", " >/dev/null", " 2>/dev/null"])
).map("".join)


def compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    joints = st.sampled_from([" && ", " || ", "; ", "; "])
    # The parts of a real pipeline run at once: only one of them may touch files or stderr.
    sources = st.sampled_from(["seq 3", "echo in", "printf 'a b'", "true", "false", "(exit 4)"])
    return st.one_of(
        st.tuples(inner, joints, inner).map("".join),
        st.tuples(inner, joints, inner, joints, inner).map("".join),
        st.tuples(sources, inner).map(lambda pair: "{} | {{ {}; }}".format(*pair)),
        inner.map("({})".format),
        inner.map("{{ {}; }}".format),
        inner.map("{{ ! {{ {}; }}; }}".format),
        st.tuples(inner, inner, inner).map(lambda t: "if {}; then {}; else {}; fi".format(*t)),
        inner.map("for X in 1 'b c' $B; do {}; done".format),
        inner.map("{{ {}; }} 2>&1".format),
        inner.map("set -e; {}".format),
    )


scripts = st.recursive(redirected, compound, max_leaves=6)


@real_sh
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(scripts)
def test_any_list_does_what_the_real_shell_does(script: str) -> None:
    """Same stdout and the same exit code; on dash the same stderr too."""
    ours, theirs = fake(script), real(script)
    assert (ours[0], ours[2]) == (theirs[0], theirs[2])
    if DASH:
        assert ours[1] == theirs[1]


# What only the fake's has to do


def test_time_passes_in_a_shell_by_sleeping() -> None:
    here = host()
    job = here.run("sh", "-c", "for i in 1 2 3; do echo $i; sleep 10; done")
    seen = []
    for _ in range(4):
        seen.append((job.log.content(), job.status))
        here.clock.advance(10)
    assert seen == [
        (b"1\n", "RUNNING"),
        (b"1\n2\n", "RUNNING"),
        (b"1\n2\n3\n", "RUNNING"),
        (b"1\n2\n3\n", "COMPLETED"),
    ]


def test_a_stop_ends_the_child_of_a_shell_which_goes_on() -> None:
    """JOB-STP-05: the group gets SIGTERM, and the shell, as PID 1, prints `Terminated`."""
    here = host(pace="real")
    outcome = here.submit("sh", "-c", "sleep 100; echo $?; sleep 100")
    here.clock.advance(1)
    job = outcome.result()
    here.stop(job)
    assert job.log.content() == b"Terminated\n143\n"
    here.clock.run_until_idle()
    assert (job.status, job.exit_code) == ("FAILED", -1)


@pytest.mark.parametrize(
    ("shell", "script", "log", "code"),
    [
        # The last command takes a bash's place, as PID 1 ignores SIGTERM, and is killed.
        ("bash", "sleep 100", b"", -1),
        ("bash", "echo a; sleep 100", b"a\n", -1),
        ("sh", "exec sleep 100", b"", -1),
        # A plain shell waits for it, and says how it ended.
        ("sh", "sleep 100", b"Terminated\n", 143),
        ("sh", "echo a; sleep 100", b"a\nTerminated\n", 143),
        # A shell within a shell is no PID 1: it dies, and only the outer one says so.
        ("sh", "sh -c 'sleep 100; echo no'; echo after", b"Terminated\nafter\n", 0),
        ("sh", "bash -c 'sleep 100'; echo after", b"Terminated\nafter\n", 0),
        ("bash", "trap 'echo got; exit 7' TERM; sleep 100", b"Terminated\ngot\n", 7),
    ],
)
def test_what_a_stop_does_to_a_shells_last_command(
    shell: str, script: str, log: bytes, code: int
) -> None:
    """JOB-STP-05, JOB-STP-06."""
    here = host(pace="real")
    outcome = here.submit(shell, "-c", script)
    here.clock.advance(1)
    job = outcome.result()
    here.stop(job)
    here.clock.run_until_idle()
    assert (job.log.content(), job.exit_code) == (log, code)


def test_a_trap_lets_a_shell_end_gracefully() -> None:
    """JOB-STP-06, JOB-STP-07: COMPLETED when it exits with 0."""
    here = host(pace="real")
    outcome = here.submit("sh", "-c", "trap 'echo bye; exit 0' TERM; echo hi; sleep 100")
    here.clock.advance(1)
    job = outcome.result()
    here.stop(job)
    here.clock.run_until_idle()
    assert (job.log.content(), job.status) == (b"hi\nTerminated\nbye\n", "COMPLETED")


def test_a_shell_that_ignores_the_signal_is_killed() -> None:
    here = host(pace="real")
    outcome = here.submit("sh", "-c", "trap '' TERM; sleep 100; echo no")
    here.clock.advance(1)
    job = outcome.result()
    here.stop(job)
    here.clock.run_until_idle()
    assert (job.log.content(), job.exit_code) == (b"", -1)


@pytest.mark.parametrize("name", ["bash", "/bin/bash"])
def test_bash_has_an_echo_of_its_own(name: str) -> None:
    job = host().run(name, "-c", r"echo 'a\nb'; echo -e 'c\x41'; [ a == a ] && echo same")
    assert job.log.content() == b"a\\nb\ncA\nsame\n"


def test_an_endless_loop_is_ended() -> None:
    """It would hold the server for ever."""
    here = host()
    job = here.run("sh", "-c", "echo in; while true; do :; done; echo out")
    assert (job.log.content(), job.exit_code) == (b"in\n", 2)
    assert job.explanation.endswith("a loop went round 50,000 times and let no time pass")


def test_a_loop_that_sleeps_may_go_round_as_often_as_it_likes() -> None:
    here = host()
    job = here.run("sh", "-c", "while true; do sleep 1; done")
    here.clock.advance(60_000)
    assert job.status == "RUNNING"


def test_arithmetic_that_is_more_than_the_shell_knows_ends_it_and_says_so() -> None:
    job = host().run("sh", "-c", "echo a; echo $((1 << 3)); echo b")
    assert (job.log.content(), job.exit_code) == (b"a\n", 2)
    assert job.explanation == "built in: sh -c; ended early, since $((1 << 3)) can't be computed"


def test_uploads_are_files_of_the_shell() -> None:
    from joblet_fake.model import Upload  # noqa: PLC0415 - only here

    job = host().run(
        "sh", "-c", "cat d/f; [ -d d ] && cd d && cat f", uploads=(Upload("d/f", b"x\n"),)
    )
    assert job.log.content() == b"x\nx\n"


@settings(max_examples=300, deadline=None)
@given(st.text("ab$(){}<>|&;!\"'`\\ \n=[]*?#~/-0%", max_size=25))
def test_no_script_breaks_the_shell(script: str) -> None:
    here = host()
    job = here.run("sh", "-c", script or ":")
    here.clock.run_until_idle()
    assert job.status in ("COMPLETED", "FAILED")
