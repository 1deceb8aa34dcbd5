"""MonitoringService: what a server tells of its host.

The numbers are checked against each other as they come; comparing looks at their shape.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from joblet_conformance.case import case
from joblet_conformance.host_shape import HostShape, Unnamed
from joblet_conformance.normalise import Either, Pattern, RealSeconds

if TYPE_CHECKING:
    from joblet_conformance.talk import Stream, Talk

BOOT: Final = Pattern(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
    "when the host was started, Z",
    "each host was started at a time of its own",
    "boot_time",
)
TAKEN: Final = Pattern(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
    "when a snapshot was taken, Z",
    "a snapshot is up to ten seconds old, and a client does not know how old",
    "timestamp",
)
SHAPE: Final = HostShape()
WINDOW_S: Final = 10
LETTERS: Final = frozenset("RSDTtZI")
STREAM: Final = "StreamSystemMetrics"


def near(one: float, other: float, within: float = 0.01) -> bool:
    """Tell whether two numbers differ by rounding alone."""
    return abs(one - other) <= within


def status(talk: Talk, role: str = "admin") -> Any:  # noqa: ANN401 - a run-time message
    """Ask for the host's status; the step has all but the host's names."""
    unnamed = Unnamed()
    talk.call("GetSystemStatus", role=role, cut=unnamed).message  # noqa: B018 - there is one
    return unnamed.seen[0]


def moment(text: str) -> float:
    """Give a time of a reply in seconds since 1970."""
    return datetime.fromisoformat(text).timestamp()


def checked_cpu(talk: Talk, cpu: Any) -> None:  # noqa: ANN401 - as above
    """Check what is said of the processors."""
    talk.expect("MON-17", "per-core numbers", len(cpu.per_core_usage), cpu.cores)
    talk.expect("MON-17", "load averages", len(cpu.load_average), 3)
    parts = (cpu.user_time, cpu.system_time, cpu.io_wait_time, cpu.steal_time)
    percentages = (cpu.usage_percent, cpu.idle_time, *parts, *cpu.per_core_usage)
    talk.check(
        "MON-17", "all are percentages", all(-0.01 <= each <= 100.01 for each in percentages)
    )
    talk.check("MON-17", "usage is 100 - idle", near(cpu.usage_percent + cpu.idle_time, 100))
    talk.check("MON-17", "the parts are within it", sum(parts) <= cpu.usage_percent + 0.01)


def checked_memory(talk: Talk, memory: Any) -> None:  # noqa: ANN401 - as above
    """Check what is said of the memory."""
    caches = memory.buffered_bytes + memory.cached_bytes
    used = memory.total_bytes - memory.free_bytes - caches
    talk.expect("MON-18", "used bytes", memory.used_bytes, used)
    percent = 100 * used / memory.total_bytes
    talk.check("MON-18", "the percentage fits", near(memory.usage_percent, percent))
    swap = memory.swap_total - memory.swap_free
    talk.expect("MON-18", "used swap", memory.swap_used, swap)


def checked_disks(talk: Talk, disks: Any) -> None:  # noqa: ANN401 - as above
    """Check what is said of the file systems."""
    talk.check("MON-19", "there is a file system", len(disks))
    for disk in disks:
        talk.check("MON-19", "it is a device", disk.device.startswith("/dev/"))
        talk.expect("MON-19", "used", disk.used_bytes, disk.total_bytes - disk.free_bytes)
        percent = 100 * disk.used_bytes / disk.total_bytes
        talk.check("MON-19", "the percentage fits", near(disk.usage_percent, percent))
        talk.expect("MON-19", "inodes", disk.inodes_used, disk.inodes_total - disk.inodes_free)
        talk.expect("MON-19", "the inodes' percentage", disk.inodes_usage_percent, 0)


def checked_processes(talk: Talk, told: Any) -> None:  # noqa: ANN401 - as above
    """Check what is said of the processes."""
    counts = (
        told.running_processes,
        told.sleeping_processes,
        told.stopped_processes,
        told.zombie_processes,
    )
    talk.expect("MON-22", "all of them", told.total_processes, sum(counts))
    talk.check("MON-22", "each has a thread", told.total_threads >= told.total_processes)
    by_cpu = [each.cpu_percent for each in told.top_by_cpu]
    by_memory = [each.memory_bytes for each in told.top_by_memory]
    talk.expect("MON-22", "the order by CPU", by_cpu, sorted(by_cpu, reverse=True))
    talk.expect("MON-22", "the order by memory", by_memory, sorted(by_memory, reverse=True))
    for processes in (told.top_by_cpu, told.top_by_memory):
        talk.expect("MON-22", "the list's length", len(processes), 10)
        letters = {each.status for each in processes}
        talk.check("MON-23", "a status is a letter", letters <= LETTERS)
        talk.check(
            "MON-23", "a page is 4096 bytes", all(p.memory_bytes % 4096 == 0 for p in processes)
        )
        times = [each.start_time for each in processes]
        talk.check("MON-23", "a start is a time", all(map(datetime.fromisoformat, times)))


@case(
    "monitoring/status",
    "MON-13",
    "MON-14",
    "MON-15",
    "MON-16",
    "MON-17",
    "MON-18",
    "MON-19",
    "MON-20",
    "MON-21",
    "MON-22",
    "MON-23",
    "MON-25",
    "SRV-16",
    "Z-07",
    normalise=[SHAPE, BOOT, TAKEN],
)
def _(talk: Talk) -> None:
    """A status has every part, its numbers fit each other, and some fields are never set."""
    # The bridge is there from the first job on it.
    job = talk.until_status(talk.run("true"))
    talk.wait(WINDOW_S + 1)
    told = status(talk)
    talk.expect("MON-15", "the node", told.host.node_id, job.node_id)
    talk.check("MON-16", "the bridge is there", "172.20.0.1" in told.host.server_ips)
    addresses = told.host.mac_addresses
    talk.check("MON-16", "a MAC is lower case", all(each == each.lower() for each in addresses))
    boot = moment(told.timestamp) - told.host.uptime
    talk.check("MON-14", "it was booted before", near(moment(told.host.boot_time), boot, 2))
    checked_cpu(talk, told.cpu)
    checked_memory(talk, told.memory)
    checked_disks(talk, told.disks)
    checked_processes(talk, told.processes)
    names = {network.interface for network in told.networks}
    talk.check("MON-20", "the bridge is an interface", "joblet0" in names)
    talk.check("MON-20", "the loopback is none", "lo" not in names)
    talk.expect("MON-21", "rates", (told.io.read_rate, told.io.write_rate), (0, 0))
    talk.expect("MON-21", "single disks", len(told.io.disk_io), 0)
    talk.check("Z-07", "there is no cloud", not told.HasField("cloud"))
    talk.expect("SRV-16", "the component", told.server_version.component, "joblet")
    system, _, architecture = told.server_version.platform.partition("/")
    talk.expect("SRV-16", "the platform", (system, architecture), ("linux", told.host.architecture))


@case("monitoring/age", "MON-01", "MON-05", "MON-14", "MON-20", normalise=[SHAPE, BOOT])
def _(talk: Talk) -> None:
    """A status is up to ten seconds old; the next one is ten seconds younger, and rates fit."""
    first = status(talk)
    for _ in range(WINDOW_S + 2):
        if talk.call("GetSystemStatus", record=False).message.timestamp != first.timestamp:
            break
        talk.wait(1)
    second = status(talk)
    talk.wait(8)
    again = status(talk)
    talk.wait(4)
    third = status(talk)
    for one in (first, second, third):
        talk.check("MON-05", "whole seconds, a zone", len(one.timestamp) in (20, 25))
    talk.expect("MON-05", "the time of the same snapshot", again.timestamp, second.timestamp)
    talk.expect("MON-01", "the same snapshot's numbers", again.cpu, second.cpu)
    for old, new in ((first, second), (second, third)):
        passed = moment(new.timestamp) - moment(old.timestamp)
        talk.check("MON-01", f"ten seconds passed, not {passed}", near(passed, WINDOW_S, 1))
        talk.check("MON-14", "so in uptime", near(new.host.uptime - old.host.uptime, passed, 1))
        before = {network.interface: network for network in old.networks}
        for network in new.networks:
            if network.interface in before:
                grown = network.bytes_received - before[network.interface].bytes_received
                talk.check(
                    "MON-20",
                    f"a rate is growth over time: {network.receive_rate}, {grown}",
                    near(network.receive_rate * WINDOW_S, grown, 0.02 * grown + 1),
                )


def counted(talk: Talk, stream: Stream, fact: str, count: int) -> None:
    """Expect some messages of a stream until now; one that is late is waited for."""
    stream.take(lambda read: len(read.messages) >= count, 5)
    talk.expect(fact, "messages", len(stream.messages), count)
    talk.check("MON-09", "the server has not ended it", not stream.ended)
    stream.leave(keep=min(count, 2))


@case(
    "monitoring/intervals",
    "TIME-14",
    "MON-06",
    "MON-07",
    "MON-08",
    "MON-09",
    "MON-27",
    normalise=[SHAPE, BOOT, TAKEN],
)
def _(talk: Talk) -> None:
    """A stream gives a message at once, then one in every interval; unset and negative is five."""
    intervals = {1: 12, 4: 3, 0: 3, -1: 3, -(2**31): 3, 2**31 - 1: 1}
    open_streams = {}
    unnamed = {}
    for interval in intervals:
        unnamed[interval] = Unnamed()
        stream = talk.follow(
            STREAM, interval_seconds=interval, metric_types=["cpu"], cut=unnamed[interval]
        )
        stream.take(lambda read: len(read.messages) >= 1, 2)
        open_streams[interval] = stream
    # Each one's ticks count from its own beginning, and these took less than half a second each.
    talk.wait(11)
    for interval, count in intervals.items():
        counted(talk, open_streams[interval], "MON-06", count)
    times = [message.timestamp for message in unnamed[1].seen]
    talk.check("MON-08", f"snapshots repeat: {times}", 1 < len(set(times)) <= 3)
    same = [one for one in unnamed[1].seen if one.timestamp == times[0]]
    talk.check("MON-08", "and are the same", all(one == same[0] for one in same))


PARTS: Final = (
    ("cpu",),
    ("memory",),
    ("disk",),
    ("network",),
    ("io",),
    ("process",),
    ("cpu", "io", "nothing", "cpu"),
    ("disks", "processes", "CPU", "", " cpu", "\x00", "é", "../cpu"),
    ("x" * 5000,),
    ("",),
    (),
)


@case("monitoring/parts", "MON-10", "MON-11", "MON-12", "MON-16", normalise=[SHAPE, BOOT, TAKEN])
def _(talk: Talk) -> None:
    """A stream has the parts that it is asked for by their exact names; others are empty."""
    talk.until_status(talk.run("true"))
    talk.wait(WINDOW_S + 1)
    for parts in PARTS:
        unnamed = Unnamed()
        stream = talk.follow(STREAM, metric_types=list(parts), interval_seconds=60, cut=unnamed)
        stream.take(lambda read: len(read.messages) >= 1, 5)
        stream.leave(keep=1)
        told = unnamed.seen[0]
        everything = not parts
        talk.check("MON-11", "there is the host", told.HasField("host"))
        talk.check("MON-11", "there is no cloud", not told.HasField("cloud"))
        for name, there in (
            ("cpu", told.cpu.cores > 0),
            ("memory", told.memory.total_bytes > 0),
            ("disk", len(told.disks) > 0),
            ("network", len(told.networks) > 0),
            ("io", told.io.total_reads > 0),
            ("process", told.processes.total_processes > 0),
        ):
            talk.expect("MON-10", f"{name} for {parts}", there, everything or name in parts)
        for name in ("cpu", "memory", "io", "processes"):
            talk.check("MON-11", f"{name} is set", told.HasField(name))
        talk.expect("MON-11", "load averages", len(told.cpu.load_average), 3)
        names = told.DESCRIPTOR.fields_by_name
        talk.expect("MON-12", "fields", {"available", "server_version"} & set(names), set())


@case(
    "monitoring/roles",
    "MON-04",
    "AUTH-05",
    "AUTH-08",
    needs=["viewer", "stranger"],
    normalise=[SHAPE, BOOT],
)
def _(talk: Talk) -> None:
    """Anybody with the authority's certificate may look at the host."""
    for role in ("viewer", "nobody"):
        talk.check("MON-04", f"a {role} gets a status", status(talk, role).available)
        unnamed = Unnamed()
        stream = talk.follow(STREAM, role=role, metric_types=["cpu"], cut=unnamed)
        stream.take(lambda read: len(read.messages) >= 1, 5)
        stream.leave(keep=1)
        talk.check("MON-04", f"a {role}'s stream tells of CPUs", unnamed.seen[0].cpu.cores)


@case(
    "monitoring/deadline",
    "MON-27",
    "MON-28",
    normalise=[
        SHAPE,
        BOOT,
        RealSeconds(STREAM, "a client's deadline is in real time"),
        Either(
            STREAM,
            "code",
            ("OK", "DEADLINE_EXCEEDED", "CANCELLED"),
            "which end of a deadline comes first is a race",
        ),
        Either(STREAM, "details", ("", "Deadline Exceeded"), "as the code"),
    ],
)
def _(talk: Talk) -> None:
    """A client's deadline ends a stream; with a long interval one message came before."""
    reply = talk.call(STREAM, interval_seconds=2**31 - 1, timeout=1.0, cut=Unnamed())
    talk.expect("MON-27", "messages", len(reply.messages), 1)
    talk.check("MON-28", "it is over", reply.code in {"OK", "DEADLINE_EXCEEDED", "CANCELLED"})
