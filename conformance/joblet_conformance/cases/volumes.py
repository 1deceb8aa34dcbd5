"""VolumeService, and what a job finds in a volume."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from joblet_conformance.case import case
from joblet_conformance.cases.made import VOLUMES, listed, told, volumes

if TYPE_CHECKING:
    from joblet_conformance.talk import Talk

CREATE: Final = "failed to create volume: failed to create volume object: "
TYPES: Final = ("memory", "filesystem")

SIZES: Final = (
    "1MB", "1mb", "1Mb", " 1MB\t", "\u00a01MB\u3000", "4096", "4096B", "4096b", "4KB", "1.5MB",
    ".5MB", "5.MB", "0.0001GB", "0001MB", "8388607TB", "9223372036854774784", "1.9B",
)  # fmt: skip
"""Sizes that a server takes, of memory volumes, of which the host gives only what is used."""

NO_SIZES: Final = (
    ("", "size cannot be empty"),
    ("   ", "invalid size format: "),
    ("abc", "invalid size format: ABC"),
    ("-5MB", "invalid size format: -5MB"),
    ("+5MB", "invalid size format: +5MB"),
    ("\u0661MB", "invalid size format: \u0661MB"),
    ("\x1c1MB", "invalid size format: \x1c1MB"),
    ("1.2.3GB", "invalid numeric value in size: 1.2.3"),
    (".", "invalid numeric value in size: ."),
    ("9" * 400, f"invalid numeric value in size: {'9' * 400}"),
    ("1K", "unsupported size unit: K"),
    ("1G", "unsupported size unit: G"),
    ("1MiB", "unsupported size unit: MIB"),
    ("1PB", "unsupported size unit: PB"),
    ("1e6", "unsupported size unit: E6"),
    ("1 GB", "unsupported size unit:  GB"),
    ("1GB x", "unsupported size unit: GB X"),
    ("1\u017fb", "unsupported size unit: SB"),
    ("1\u00df", "unsupported size unit: \u00df"),
    ("1MB\0", "unsupported size unit: MB\0"),
)
"""Sizes that it does not take, and what follows `invalid size: `."""

NOT_POSITIVE: Final = ("0", "0GB", "0.5B", "00.0MB", "8388608TB", "9223372036854775807", "9" * 300)

WRITES: Final = "echo {text} > /volumes/{name}/f"


def made(talk: Talk, name: str, size: str = "1MB", kind: str = "memory") -> None:
    """Make a volume."""
    reply = talk.call("CreateVolume", name=name, size=size, type=kind)
    talk.expect("VOL-13", f"how {name} is made", (reply.code, reply.details), ("OK", ""))


@case(
    "volumes/made-and-removed", "VOL-13", "VOL-14", "VOL-15", "VOL-16", "VOL-17", "VOL-18",
    "VOL-20", "VOL-21", normalise=VOLUMES,
)  # fmt: skip
def _(talk: Talk) -> None:
    """A volume is made, listed with its size as it was typed, and removed once."""
    with volumes(talk, "ab") as names:
        for name, size, kind in zip(
            names, ("1.5mb", " 1MB "), ("filesystem", "memory"), strict=True
        ):
            reply = talk.call("CreateVolume", name=name, size=size, type=kind).message
            told_ = (reply.name, reply.size, reply.type, reply.path)
            talk.expect(
                "VOL-13", "the answer", told_, (name, size, kind, f"/opt/joblet/volumes/{name}")
            )
        held = talk.run("sleep", "60", volumes=names)
        shown = {each.name: each for each in listed(talk, "volumes")}
        talk.expect("VOL-16", "what is listed", sorted(shown), sorted(names))
        for each in shown.values():
            talk.check("VOL-17", "created_time is there", each.created_time)
            talk.expect("VOL-18", "its jobs", each.job_count, 0)
        talk.call("StopJob", uuid=held)
        for name in names:
            for message in ("Volume removed successfully", f"volume {name} not found"):
                gone = talk.call("RemoveVolume", name=name).message
                talk.expect("VOL-20", "the removal", gone.message, message)
        talk.expect("VOL-20", "what is left", listed(talk, "volumes"), [])


@case("volumes/names", "VOL-01", "VOL-03", "VOL-04", normalise=VOLUMES)
def _(talk: Talk) -> None:
    """A name is 1 to 63 ASCII letters, digits, `-` and `_`, a letter or digit at both ends."""
    reply = talk.call("CreateVolume", name="", size="1MB", type="memory")
    talk.refused("VOL-03", reply, "INVALID_ARGUMENT", f"{CREATE}volume name cannot be empty")
    with volumes(talk) as names:
        (name,) = names
        names += [f"{name}-_-0", f"0{name}", f"{name}Z", f"{name}{'n' * 55}", f"{name}z"]
        for each in names:
            made(talk, each)
        listed(talk, "volumes")
        for each in (
            f"-{name}", f"{name}-", f"_{name}", f"{name}_", f"{name} x", f"{name}.x", f"{name}/x",
            f"../{name}", "..", "/", f"{name}\u00fc", f"{name}\n", f"{name}\0", f"{name}{'n' * 56}",
            f"{name}{'n' * 3000}",
        ):  # fmt: skip
            reply = talk.call("CreateVolume", name=each, size="1MB", type="memory")
            text = (
                f"{CREATE}invalid volume name: {each} "
                "(must contain only alphanumeric characters, hyphens, and underscores)"
            )
            talk.refused("VOL-04", reply, "INVALID_ARGUMENT", text)


@case("volumes/sizes", "VOL-05", "VOL-06", "VOL-07", "VOL-08", "VOL-09", normalise=VOLUMES)
def _(talk: Talk) -> None:
    """A size is a number and a unit, without bounds; less than a byte is none."""
    with volumes(talk) as (name,):
        for size in SIZES:
            made(talk, name, size)
            talk.call("RemoveVolume", name=name, record=False)
        for size, problem in NO_SIZES:
            reply = talk.call("CreateVolume", name=name, size=size, type="memory")
            talk.refused("VOL-07", reply, "INVALID_ARGUMENT", f"{CREATE}invalid size: {problem}")
        for size in NOT_POSITIVE:
            reply = talk.call("CreateVolume", name=name, size=size, type="memory")
            text = f"{CREATE}volume size must be positive"
            talk.refused("VOL-08", reply, "INVALID_ARGUMENT", text)
        talk.expect("VOL-01", "what is left", listed(talk, "volumes"), [])


@case("volumes/types", "VOL-02", "VOL-10", normalise=VOLUMES)
def _(talk: Talk) -> None:
    """The type is `memory` or `filesystem`, has no default, and is looked at last."""
    with volumes(talk) as (name,):
        for kind in (
            "", "Memory", "FILESYSTEM", " memory", "memory ", "tmpfs", "nfs", "../memory",
            "\u00fc", "memory\0", "m" * 3000,
        ):  # fmt: skip
            reply = talk.call("CreateVolume", name=name, size="1MB", type=kind)
            text = f"{CREATE}invalid volume type: {kind}"
            talk.refused("VOL-10", reply, "INVALID_ARGUMENT", text)
        for each, size, problem in (
            ("", "", "volume name cannot be empty"),
            (name, "", "invalid size: size cannot be empty"),
            (name, "0", "volume size must be positive"),
        ):
            reply = talk.call("CreateVolume", name=each, size=size, type="")
            talk.refused("VOL-02", reply, "INVALID_ARGUMENT", f"{CREATE}{problem}")


@case("volumes/removal", "VOL-20", "VOL-21")
def _(talk: Talk) -> None:
    """A volume that is not there is told in an OK reply, whatever its name."""
    for name in ("", "no-such-volume", "../..", "a b", "\u00fc\n\0", "n" * 9000):
        reply = talk.call("RemoveVolume", name=name)
        talk.expect("VOL-20", "the code", reply.code, "OK")
        text = f"volume {name} not found"
        talk.expect(
            "VOL-21", "the text", (reply.message.success, reply.message.message), (False, text)
        )


@case("volumes/shared", "VOL-12", "VOL-28", normalise=VOLUMES)
def _(talk: Talk) -> None:
    """What a job writes to a volume is there for the next one; only named volumes are there."""
    with volumes(talk, "ab") as names:
        for name, kind in zip(names, TYPES, strict=True):
            made(talk, name, "1MB", kind)
            writes = f"mkdir /volumes/{name}/in && echo one > /volumes/{name}/in/f && ls /volumes"
            talk.expect(
                "VOL-28",
                "the volumes",
                told(talk, writes, volumes=[name, name]),
                f"{name}\n".encode(),
            )
            adds = f"echo two >> ../volumes/{name}/in/f; cat /volumes/{name}/in/f"
            talk.expect("VOL-28", "the file", told(talk, adds, volumes=[name]), b"one\ntwo\n")
        shown = told(talk, f"ls /volumes /volumes/{names[0]} /volumes/{names[1]}", volumes=names)
        text = (
            f"/volumes:\n{names[0]}\n{names[1]}\n\n/volumes/{names[0]}:\nin\n\n"
            f"/volumes/{names[1]}:\nin\nlost+found\n"
        )
        talk.expect("VOL-28", "what is in both", shown, text.encode())
        talk.expect("VOL-28", "what others see", told(talk, "ls -A /volumes"), b"\n")
        gone = f"rm -r /volumes/{names[0]}/in; ls -A /volumes/{names[0]}"
        talk.expect("VOL-28", "what is left", told(talk, gone, volumes=names), b"\n")


@case("volumes/full", "VOL-05", "VOL-28", normalise=VOLUMES)
def _(talk: Talk) -> None:
    """A volume holds what fits: memory to the last page, a filesystem less than its size."""
    with volumes(talk, "ab") as (memory, disk):
        for size, room in (("1", 4096), ("4097", 8192), ("1.5KB", 4096), ("1MB", 1048576)):
            made(talk, memory, size)
            shown = told(talk, fills(memory, room), volumes=[memory])
            talk.expect("VOL-28", f"how much goes into {size}", shown, f"1 {room} 1 0\n".encode())
            talk.call("RemoveVolume", name=memory)
        made(talk, memory, "8KB")
        script = f"cd /volumes/{memory}; echo a > a; echo b > b; echo c > c; echo $? $(ls)"
        shown = told(talk, f"{{ {script}; }} 2> /dev/null", volumes=[memory])
        talk.expect("VOL-28", "small files", shown, b"1 a b c\n")
        # How much exactly goes into an ext4 depends on the pieces in which it is written.
        for size, least, most in (("104KB", 70_000, 83_000), ("1MB", 950_000, 990_000)):
            made(talk, disk, size, "filesystem")
            script = (
                f"cd /volumes/{disk}; seq 200000 2> /dev/null > f; a=$?; n=$(wc -c < f); "
                f"[ $n -gt {least} ] && [ $n -lt {most} ]; echo $a $?"
            )
            shown = told(talk, script, volumes=[disk])
            talk.expect("VOL-28", f"how much goes into {size}", shown, b"1 0\n")
            talk.call("RemoveVolume", name=disk)


def fills(name: str, count: int) -> str:
    """Give a script that fills a volume with one file, and tells how that went.

    The file would have more lines than the volume has bytes. It tells the status of the writing,
    the file's length, the status of adding to it, and that of writing a short one in its place.
    """
    return (
        f"cd /volumes/{name}; {{ seq {count} > f; a=$?; n=$(wc -c < f); echo more >> f; b=$?; "
        "rm f; echo short > f; c=$?; } 2> /dev/null; echo $a $n $b $c"
    )


@case("volumes/without-limit", "VOL-11", "VOL-26", normalise=VOLUMES)
def _(talk: Talk) -> None:
    """A filesystem volume of less than 104 KB has no limit, and nor has /work beside a volume."""
    with volumes(talk, "ab") as (name, absent):
        made(talk, name, "103.9KB", "filesystem")
        there = f"/volumes/{name}/f"
        script = f"seq 200000 > {there}; seq 200000 > f; echo $(wc -c < {there}) $(wc -c < f)"
        shown = told(talk, script, volumes=[name])
        talk.expect("VOL-11", "what was written", shown, b"1288895 1288895\n")
        talk.expect(
            "VOL-11", "what is listed", told(talk, f"ls -A /volumes/{name}", volumes=[name]), b"f\n"
        )
        job = talk.shell("seq 200000 > f; echo $(wc -c < f)", volumes=[absent])
        talk.until_status(job)
        talk.check(
            "VOL-26", "a missing volume is enough", talk.output(job).endswith(b"\n1288895\n")
        )


@case("volumes/made-again", "VOL-12", normalise=VOLUMES)
def _(talk: Talk) -> None:
    """A volume that is made again is new and empty, while older jobs keep the old one."""
    with volumes(talk) as (name,):
        made(talk, name)
        told(talk, WRITES.format(text="old", name=name), volumes=[name])
        held = talk.shell(f"sleep 2; x=$(cat /volumes/{name}/f); echo $x", volumes=[name])
        talk.wait(1)
        made(talk, name, "2MB")
        refused = talk.call("CreateVolume", name=name, size="1XB", type="memory")
        talk.expect("VOL-12", "a bad size", refused.code, "INVALID_ARGUMENT")
        (shown,) = listed(talk, "volumes")
        talk.expect("VOL-12", "what is listed", shown.size, "2MB")
        talk.expect(
            "VOL-12", "what is in it", told(talk, f"ls -A /volumes/{name}", volumes=[name]), b"\n"
        )
        talk.until_status(held)
        talk.expect("VOL-12", "what an older job finds", talk.output(held), b"old\n")


@case("volumes/left-over", "VOL-12", "VOL-32", needs=("destructive",), normalise=VOLUMES)
def _(talk: Talk) -> None:
    """Made twice and removed once, a volume is not listed and still there for jobs, empty."""
    with volumes(talk, "ab") as (twice, directory):
        made(talk, twice)
        told(talk, WRITES.format(text="old", name=twice), volumes=[twice])
        made(talk, twice, "1MB", "filesystem")
        talk.call("RemoveVolume", name=twice)
        talk.expect("VOL-32", "what is listed", listed(talk, "volumes"), [])
        shown = told(talk, f"ls -A /volumes/{twice}; ls /volumes", volumes=[twice])
        talk.expect("VOL-32", "what a job finds", shown, f"{twice}\n".encode())
        # A plain directory is not mounted: what is in it outlives a second making.
        made(talk, directory, "1KB", "filesystem")
        told(talk, WRITES.format(text="kept", name=directory), volumes=[directory])
        made(talk, directory, "2KB", "filesystem")
        shown = told(talk, f"cat /volumes/{directory}/f", volumes=[directory])
        talk.expect("VOL-32", "a directory made again", shown, b"kept\n")


@case("volumes/removed-under-a-job", "VOL-18", "VOL-22", normalise=VOLUMES)
def _(talk: Talk) -> None:
    """A job keeps a volume that is removed under it, and one that was just started misses it."""
    with volumes(talk, "abc") as names:
        for name, size, kind, shown in (
            (names[0], "1MB", "memory", "f old 0"),
            (names[1], "1MB", "filesystem", "f lost+found old 0"),
            (names[2], "1KB", "filesystem", "2"),
        ):
            made(talk, name, size, kind)
            script = (
                f"cd /volumes/{name}; echo old > f; sleep 2; {{ x=$(ls; cat f); "
                f"echo new > /volumes/{name}/new; y=$?; }} 2> /dev/null; echo $x $y"
            )
            job = talk.shell(script, volumes=[name])
            talk.wait(1)
            gone = talk.call("RemoveVolume", name=name).message
            talk.check("VOL-22", "it is removed", gone.success)
            talk.until_status(job)
            talk.expect("VOL-22", "what the job finds", talk.output(job), f"{shown}\n".encode())
        made(talk, names[0])
        job = talk.shell("ls -A /volumes; echo done", volumes=[names[0]])
        talk.call("RemoveVolume", name=names[0], record=False)
        talk.until_status(job)
        talk.check(
            "VOL-22", "a job that was just started has warnings",
            b"[WARN] volume does not exist |" in talk.output(job, record=False),
        )  # fmt: skip


@case("volumes/missing", "VOL-24", "VOL-27", "VOL-31", "JOB-RUN-64", normalise=VOLUMES)
def _(talk: Talk) -> None:
    """A volume that is not there is told in the job's log; the job runs on without it."""
    with volumes(talk) as (absent,):
        for name in (
            absent, f"{absent} b", "..", f"../../{absent}", f"\u00fc{absent}\t",
            f"{absent}{'n' * 248}",
        ):  # fmt: skip
            script = f'(echo x > "/volumes/{absent}/f") 2> /dev/null; echo "wrote: $?"'
            job = talk.shell(script, volumes=[name])
            status = talk.until_status(job)
            talk.expect("VOL-24", "the end", (status.status, status.exit_code), ("COMPLETED", 0))
            output = talk.output(job)
            path = f"/opt/joblet/volumes/{name}/data"
            if name.endswith("n"):
                talk.check(
                    "VOL-31",
                    "it was too long",
                    f"stat {path}: file name too long".encode() in output,
                )
            else:
                error = f'error="volume {name} does not exist at {path}"'
                talk.check("VOL-27", f"the line names {name!r}", error.encode() in output)
                talk.check("VOL-27", "there are two lines", output.count(b"[WARN] ") == 2)
            talk.check("JOB-RUN-64", "the job ran on", output.endswith(b"wrote: 2\n"))
        listed(talk, "volumes")


@case("volumes/paths", "VOL-31", normalise=VOLUMES)
def _(talk: Talk) -> None:
    """The name in a job's request is a path below the volumes' folder."""
    with volumes(talk) as (name,):
        made(talk, name)
        for path in (f"./{name}", f"{name}/", f"/{name}//", f"{name}/../{name}"):
            shown = told(talk, "ls /volumes", volumes=[path])
            talk.expect("VOL-31", f"what {path!r} gives", shown, f"{name}\n".encode())
        for path, problem in (
            (f"{name}/data", b"[WARN] volume does not exist |"),
            (f"x/../{name}", b"[WARN] volume does not exist |"),
            (f"{name}/volume-info.json", b"[ERROR] failed to stat volume directory |"),
        ):
            job = talk.run("true", volumes=[path])
            talk.until_status(job)
            talk.check("VOL-31", f"{path!r} gives nothing", problem in talk.output(job))


@case("volumes/variables", "VOL-30", normalise=VOLUMES)
def _(talk: Talk) -> None:
    """A job's volumes are in its environment, and the client's own variables override them."""
    with volumes(talk, "ab") as names:
        for name in names:
            made(talk, name)
        script = 'echo "$JOB_VOLUMES_COUNT $JOB_VOLUME_0 $JOB_VOLUME_1" $(ls /volumes)'
        for asked, environment, shown in (
            (names, {}, f"2 {names[0]} {names[1]} {names[0]} {names[1]}"),
            ([], {}, "  "),
            (names, {"JOB_VOLUMES_COUNT": "1"}, f"1 {names[0]} {names[1]} {names[0]}"),
            (names, {"JOB_VOLUMES_COUNT": "x"}, f"x {names[0]} {names[1]}"),
            (names[:1], {"JOB_VOLUME_0": names[1]}, f"1 {names[1]}  {names[1]}"),
            ([], {"JOB_VOLUMES_COUNT": "1", "JOB_VOLUME_0": names[0]}, f"1 {names[0]}  {names[0]}"),
        ):
            output = told(talk, script, volumes=asked, environment=environment)
            talk.expect("VOL-30", f"what {environment} gives", output, f"{shown}\n".encode())


@case("volumes/viewer", "AUTH-07", "AUTH-09", needs=("viewer", "stranger"), normalise=VOLUMES)
def _(talk: Talk) -> None:
    """A viewer lists volumes, and neither makes nor removes them; a stranger does nothing."""
    with volumes(talk) as (name,):
        made(talk, name)
        for role, shown in (("viewer", "viewer"), ("nobody", "unknown")):
            asked: tuple[tuple[str, dict[str, Any]], ...] = (
                ("CreateVolume", {"name": "", "size": "", "type": ""}),
                ("RemoveVolume", {"name": name}),
            )
            for method, fields in asked:
                reply = talk.call(method, role=role, **fields)
                text = f"role {shown} is not allowed to perform operation run_job"
                talk.refused("AUTH-07", reply, "PERMISSION_DENIED", text)
        reply = talk.call("ListVolumes", role="viewer", record=False)
        talk.check(
            "AUTH-09", "a viewer sees it", name in {each.name for each in reply.message.volumes}
        )
        reply = talk.call("ListVolumes", role="nobody")
        text = "role unknown is not allowed to perform operation stream_jobs"
        talk.refused("AUTH-07", reply, "PERMISSION_DENIED", text)
        talk.expect("AUTH-07", "what is left", len(listed(talk, "volumes")), 1)


@case(
    "volumes/restart", "VOL-19", "JOB-RST-01", needs=("destructive", "restart"), normalise=VOLUMES
)
def _(talk: Talk) -> None:
    """Volumes and what is in them survive a restart; created_time is the restart's."""
    with volumes(talk, "ab") as names:
        for name, kind in zip(names, TYPES, strict=True):
            made(talk, name, "1MB", kind)
            told(talk, WRITES.format(text=kind, name=name), volumes=[name])
        before = {each.name: each.created_time for each in listed(talk, "volumes")}
        talk.wait(1.1)
        talk.target.restart()
        after: dict[str, Any] = {each.name: each for each in listed(talk, "volumes", record=False)}
        talk.expect("VOL-19", "what is listed", sorted(after), sorted(names))
        for name, kind in zip(names, TYPES, strict=True):
            talk.expect("VOL-19", "its type", after[name].type, kind)
            talk.check(
                "VOL-19", "created_time is the restart's", after[name].created_time > before[name]
            )
            shown = told(talk, f"cat /volumes/{name}/f", record=False, volumes=[name])
            talk.expect("VOL-19", "what is in it", shown, f"{kind}\n".encode())
