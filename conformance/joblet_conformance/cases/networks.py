"""NetworkService, and what a network is to a job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from joblet_conformance.case import case
from joblet_conformance.cases.made import NAMES, NETWORKS, count, free, listed, networks, told
from joblet_conformance.normalise import Pattern

if TYPE_CHECKING:
    from joblet_conformance.talk import Talk

CREATE: Final = "failed to create network: "
LAUNCH: Final = "job run failed: execution failed: failed to setup networking: "

SOON_S: Final = 0.2
LONG_S: Final = 0.05
"""Seconds that what takes no time may take on a loaded machine, and what takes time takes."""

BLOCKS: Final = (
    "10.82.0.5/24", "10.82.0.0/30", "10.82.0.0/31", "10.82.0.0/32", "10.82.0.0/024",
    "10.82.0.0/0024", "8.8.8.0/24", "127.0.0.0/28", "224.0.0.0/28", "255.255.255.255/32",
    "fd00::/120", "FD00::1/128", "fd00:0:0:0:0:0:0:0/120", "fd00::1.2.3.4/120",
    "::ffff:10.82.0.0/120",
)  # fmt: skip
"""What Go's ParseCIDR takes; none has so many addresses that making them takes long (NET-10)."""

NO_BLOCKS: Final = (
    "10.82.0.0", "10.82.0.0/", "/24", "/", " ", "x", "10.82.0.0/255.255.255.0", "10.82.0.0/33",
    "10.82.0.0/-1", "10.82.0.0/+24", "10.82.0.0/24/24", " 10.82.0.0/24", "10.82.0.0/24 ",
    "10.82.0/24", "10.82.0.0.0/24", "010.82.0.0/24", "10.82.0.256/24", "10.82.0.0/\u0662\u0664",
    "10.82.0.0/2_4", "10.82.0.0/0x18", "10.82.0.0/24\0", "10.82.0.0/24\n", "fd00::/129",
    "fd00:::/64", "fe80::1%eth0/64", "[fd00::]/120", "::g/64", "1:2:3:4:5:6:7:8:9/64",
    "10.82.0.0/" + "9" * 400, "../../etc/passwd", "\u00fc/24",
)  # fmt: skip


@case(
    "networks/made-and-removed", "NET-08", "NET-13", "NET-16", "NET-22", "NET-23",
    normalise=NETWORKS,
)  # fmt: skip
def _(talk: Talk) -> None:
    """A network is made, listed as it was given, and removed once."""
    with networks(talk) as (name,):
        began = talk.target.now()
        made = talk.call("CreateNetwork", name=name, cidr="10.81.0.77/24").message
        talk.check("NET-16", "it takes no time to speak of", talk.target.now() - began < SOON_S)
        talk.expect(
            "NET-13", "the answer", (made.name, made.cidr, made.bridge), (name, "10.81.0.77/24", "")
        )
        (shown,) = listed(talk, "networks")
        talk.expect("NET-08", "the block", (shown.cidr, shown.job_count), ("10.81.0.77/24", 0))
        gone = talk.call("RemoveNetwork", name=name).message
        talk.expect(
            "NET-23", "the removal", (gone.success, gone.message),
            (True, "Network removed successfully"),
        )  # fmt: skip
        talk.expect("NET-23", "what is left", listed(talk, "networks"), [])
        again = talk.call("RemoveNetwork", name=name).message
        talk.expect(
            "NET-24", "a second removal", (again.success, again.message),
            (False, f"network not found: {name}"),
        )  # fmt: skip


@case("networks/built-in", "NET-17", "NET-18", normalise=NETWORKS)
def _(talk: Talk) -> None:
    """The network `bridge` is there; `none`, `isolated` and `host` are not listed."""
    (bridge,) = listed(talk, "networks", also="bridge")
    talk.expect(
        "NET-17", "the built-in network", (bridge.name, bridge.cidr, bridge.bridge),
        ("bridge", "172.20.0.0/16", "joblet0"),
    )  # fmt: skip
    names = {each.name for each in talk.call("ListNetworks", record=False).message.networks}
    talk.expect("NET-18", "the modes that are listed", names & {"none", "isolated", "host"}, set())


@case("networks/names", "NET-01", "NET-02", "NET-03", normalise=NETWORKS)
def _(talk: Talk) -> None:
    """No name is refused, before the block is looked at; any other one is taken."""
    for cidr in ("", "10.83.0.0/24", "wrong"):
        reply = talk.call("CreateNetwork", name="", cidr=cidr)
        text = f"{CREATE}network creation failed: name cannot be empty"
        talk.refused("NET-02", reply, "INVALID_ARGUMENT", text)
    with networks(talk) as names:
        (name,) = names
        names += [
            f"{name} x", f"{name}/../..", f"../{name}", f"{name}\u00fc\u4e16\U0001f600",
            f"{name}\n\t\x7f", f"{name}\0", f" {name}", f"{name}.", f"-{name}",
            f"{name}{'n' * 9000}",
        ]  # fmt: skip
        for each in names:
            reply = talk.call("CreateNetwork", name=each, cidr="10.83.0.0/29")
            talk.expect("NET-03", f"how {each[:20]!r} is made", reply.code, "OK")
        listed(talk, "networks")
        for each in names:
            gone = talk.call("RemoveNetwork", name=each).message
            talk.check("NET-03", f"{each[:20]!r} is removed", gone.success)


@case("networks/reserved-names", "NET-03", "NET-30", needs=("destructive",), normalise=NETWORKS)
def _(talk: Talk) -> None:
    """Networks can be called like modes: `none` and `isolated` stay modes, `host` works then."""
    with networks(talk) as names:
        names += ["none", "isolated", "host"]
        for mode, shown in (("none", b"\n"), ("isolated", b"\n"), ("host", b"10.83.1.1 \n")):
            talk.call("CreateNetwork", name=mode, cidr="10.83.1.0/29")
            talk.expect(
                "NET-30", f"addresses on {mode}", told(talk, "hostname -I", network=mode), shown
            )
            free(talk, mode)
            talk.call("RemoveNetwork", name=mode)


@case("networks/blocks", "NET-01", "NET-05", "NET-06", "NET-09", normalise=NETWORKS)
def _(talk: Talk) -> None:
    """Blocks are read as Go reads them; their size, place and overlap do not matter."""
    with networks(talk, "ab") as (name, other):
        talk.call("CreateNetwork", name=other, cidr="10.82.0.0/24")
        for cidr in BLOCKS:
            reply = talk.call("CreateNetwork", name=name, cidr=cidr)
            talk.expect("NET-06", f"how {cidr!r} is taken", reply.code, "OK")
        for cidr in NO_BLOCKS:
            reply = talk.call("CreateNetwork", name=name, cidr=cidr)
            text = f"{CREATE}network config validation failed: invalid CIDR: {cidr}"
            talk.refused("NET-05", reply, "INVALID_ARGUMENT", text)
        shown = {each.name: each.cidr for each in listed(talk, "networks")}
        talk.expect("NET-11", "what a refused block leaves", shown[name], BLOCKS[-1])


@case("networks/large-block", "NET-10", needs=("destructive",), normalise=NETWORKS)
def _(talk: Talk) -> None:
    """Making the addresses of a large block takes its time; its first ones are the first given."""
    with networks(talk) as (name,):
        began = talk.target.now()
        talk.call("CreateNetwork", name=name, cidr="10.0.0.0/12")
        talk.check("NET-10", "a million addresses take time", talk.target.now() - began > LONG_S)
        shown = told(talk, "hostname -I", network=name)
        talk.expect("NET-28", "the address", shown, b"10.0.0.1 \n")


@case("networks/removal", "NET-23", "NET-24", normalise=NETWORKS)
def _(talk: Talk) -> None:
    """Whatever can't be removed is told in an OK reply."""
    for name, text in (
        ("", "network name cannot be empty"),
        ("none", "network not found: none"),
        ("isolated", "network not found: isolated"),
        ("../bridge", "network not found: ../bridge"),
        ("Bridge", "network not found: Bridge"),
        ("\u00fc\n\0", "network not found: \u00fc\n\0"),
    ):
        reply = talk.call("RemoveNetwork", name=name)
        talk.expect("NET-23", "the code", reply.code, "OK")
        talk.expect(
            "NET-24", f"the removal of {name!r}", (reply.message.success, reply.message.message),
            (False, text),
        )  # fmt: skip
    long = "n" * 9000
    gone = talk.call("RemoveNetwork", name=long).message
    talk.expect("NET-24", "the removal of a long name", gone.message, f"network not found: {long}")


@case("networks/job-count", "NET-20", "NET-21", "NET-24", "NET-35", normalise=NETWORKS)
def _(talk: Talk) -> None:
    """Jobs count from RunJob's answer on, and keep their network from being removed."""
    with networks(talk) as (name,):
        talk.call("CreateNetwork", name=name, cidr="10.84.0.0/24")
        job = talk.run("sleep", "60", network=name)
        talk.run("true", network=name, schedule="2099-01-01T00:00:00Z")
        (shown,) = listed(talk, "networks")
        talk.expect("NET-20", "how many jobs count", shown.job_count, 1)
        kept = talk.call("RemoveNetwork", name=name).message
        talk.expect(
            "NET-24", "the removal", (kept.success, kept.message),
            (False, "network is still in use by 1 job(s)"),
        )  # fmt: skip
        before = count(talk, "bridge")
        other, bare = talk.run("sleep", "60"), talk.run("sleep", "60", network="none")
        talk.expect("NET-21", "how many more are on bridge", count(talk, "bridge") - before, 1)
        for each in (job, other, bare):
            talk.call("StopJob", uuid=each)
        free(talk, name)
        (shown,) = listed(talk, "networks")
        talk.expect("NET-20", "how many jobs count in the end", shown.job_count, 0)


@case("networks/addresses", "NET-09", "NET-27", "NET-28", normalise=NETWORKS)
def _(talk: Talk) -> None:
    """Addresses are given lowest first, the gateway's too; returned ones are the last in line."""
    with networks(talk, "ab") as (name, other):
        talk.call("CreateNetwork", name=name, cidr="10.85.0.0/30")
        for address in (b"10.85.0.1", b"10.85.0.2", b"10.85.0.1"):
            talk.expect(
                "NET-28", "the address", told(talk, "hostname -I", network=name), address + b" \n"
            )
            free(talk, name)
        held = [talk.run("sleep", "60", network=name) for _ in range(2)]
        reply = talk.call("RunJob", command="true", network=name, environment=talk.marked)
        text = f"{LAUNCH}failed to allocate IP: no available IP addresses in network: {name}"
        talk.refused("NET-27", reply, "INTERNAL", text)
        # Another network may have the very same block.
        talk.call("CreateNetwork", name=other, cidr="10.85.0.0/30")
        talk.expect(
            "NET-09", "its first address", told(talk, "hostname -I", network=other), b"10.85.0.1 \n"
        )
        free(talk, other)
        for job in held:
            talk.call("StopJob", uuid=job)
        for cidr in ("10.85.1.0/31", "10.85.1.0/32"):
            talk.call("CreateNetwork", name=other, cidr=cidr)
            reply = talk.call("RunJob", command="true", network=other, environment=talk.marked)
            text = f"{LAUNCH}failed to allocate IP: no available IP addresses in network: {other}"
            talk.refused("NET-28", reply, "INTERNAL", text)


@case("networks/no-block", "NET-07", "NET-27", normalise=NETWORKS)
def _(talk: Talk) -> None:
    """A network without a block can be made; its jobs fail until it is made again with one."""
    with networks(talk) as (name,):
        made = talk.call("CreateNetwork", name=name, cidr="").message
        talk.expect("NET-07", "the answer", (made.name, made.cidr), (name, ""))
        listed(talk, "networks")
        reply = talk.call("RunJob", command="true", network=name, environment=talk.marked)
        text = f"{LAUNCH}failed to allocate IP: no IP pool found for network: {name}"
        talk.refused("NET-27", reply, "INTERNAL", text)
        (failed,) = talk.listed(record=False)
        talk.expect("NET-27", "what is left", (failed.status, failed.exit_code), ("FAILED", -1))
        due = talk.run("true", network=name, schedule="2020-01-01T00:00:00Z")
        status = talk.until_status(due)
        talk.expect("NET-27", "one that was due", (status.status, status.exit_code), ("FAILED", -1))
        talk.call("CreateNetwork", name=name, cidr="10.86.0.0/29")
        talk.expect(
            "NET-07", "the address then", told(talk, "hostname -I", network=name), b"10.86.0.1 \n"
        )


@case("networks/modes", "NET-20", "NET-30", normalise=NETWORKS)
def _(talk: Talk) -> None:
    """A job on `none` or `isolated` runs without an address, and nobody counts it."""
    for mode in ("none", "isolated"):
        talk.expect(
            "NET-30", f"addresses on {mode}", told(talk, "hostname -I", network=mode), b"\n"
        )


@case("networks/not-set-up", "NET-20", "NET-32", normalise=NETWORKS)
def _(talk: Talk) -> None:
    """A network that can't be set up for a job never fails it: it counts, and has no address."""
    with networks(talk, "ab") as names:
        name, other = names
        blocks = {
            f"{name}nn": "10.87.0.0/29",
            f"{name[:-1]}/": "10.87.0.0/29",
            f"{name[:-1]} ": "10.87.0.0/29",
            f"{name[:-1]}:": "10.87.0.0/29",
            f"{name[:-1]}%": "10.87.0.0/29",
            name: "ff05:87::/120",
            other: "::ffff:10.87.0.0/120",
        }
        names.extend(blocks)
        for each, cidr in blocks.items():
            talk.call("CreateNetwork", name=each, cidr=cidr)
            shown = told(talk, "hostname -I", network=each)
            talk.expect("NET-32", f"addresses on {each!r} {cidr}", shown, b"\n")
        held = talk.run("sleep", "60", network=name)
        talk.expect("NET-20", "how many jobs count", count(talk, name), 1)
        talk.call("StopJob", uuid=held)


@case(
    "networks/six", "NET-32", "NET-37", needs=("destructive",),
    normalise=(*NETWORKS, *NAMES),
)  # fmt: skip
def _(talk: Talk) -> None:
    """The job that a device is made for has no IPv6 address, and those after it have one."""
    with networks(talk) as names:
        # The device of this one is to be new, so that its name can't be that of another run.
        new = f"ja{talk.mark[:6]}"
        names.append(new)
        talk.call("CreateNetwork", name=new, cidr="fd00:87::/120")
        for shown in (b"\n", b"fd00:87::2 \n"):
            talk.expect("NET-37", "the address", told(talk, "hostname -I", network=new), shown)
            free(talk, new)
        (old, _) = names
        talk.call("CreateNetwork", name=old, cidr="10.87.0.0/29")
        talk.expect(
            "NET-28", "an IPv4 address", told(talk, "hostname -I", network=old), b"10.87.0.1 \n"
        )
        free(talk, old)
        for cidr, shown in (("fd00:88::/120", b"fd00:88::1 \n"), ("fe80:8::/120", b"\n")):
            talk.call("CreateNetwork", name=old, cidr=cidr)
            told_ = told(talk, "hostname -I", network=old)
            talk.expect("NET-37", f"the address in {cidr}", told_, shown)
            free(talk, old)


@case("networks/odd-blocks", "NET-09", "NET-28", "NET-32", normalise=NETWORKS)
def _(talk: Talk) -> None:
    """Whatever the block, its first job gets the address after the block's first."""
    with networks(talk, "abcde") as names:
        for name, cidr, address in zip(
            names,
            ("10.88.0.77/24", "10.88.0.128/25", "127.5.0.0/28", "224.0.0.0/28", "8.8.8.0/24"),
            ("10.88.0.1", "10.88.0.129", "127.5.0.1", "224.0.0.1", "8.8.8.1"),
            strict=True,
        ):
            talk.call("CreateNetwork", name=name, cidr=cidr)
            shown = told(talk, "hostname -I", network=name)
            talk.expect("NET-28", f"the address in {cidr}", shown, f"{address} \n".encode())


@case("networks/made-again", "NET-11", "NET-20", "NET-24", normalise=NETWORKS)
def _(talk: Talk) -> None:
    """A name that exists is replaced, block and addresses too; its jobs still count."""
    with networks(talk) as (name,):
        talk.call("CreateNetwork", name=name, cidr="10.89.0.0/30")
        held = talk.run("sleep", "60", network=name)
        again = talk.call("CreateNetwork", name=name, cidr="10.90.0.0/30").message
        talk.expect("NET-11", "the answer", (again.cidr, again.bridge), ("10.90.0.0/30", ""))
        refused = talk.call("CreateNetwork", name=name, cidr="10.91.0.0")
        talk.expect("NET-11", "a bad block", refused.code, "INVALID_ARGUMENT")
        (shown,) = listed(talk, "networks")
        talk.expect("NET-11", "what is listed", (shown.cidr, shown.job_count), ("10.90.0.0/30", 1))
        talk.expect(
            "NET-11", "an address then", told(talk, "hostname -I", network=name), b"10.90.0.1 \n"
        )
        talk.until("only the first job is left", lambda: count(talk, name) == 1)
        kept = talk.call("RemoveNetwork", name=name).message
        talk.expect("NET-24", "the removal", kept.message, "network is still in use by 1 job(s)")
        talk.call("StopJob", uuid=held)
        free(talk, name)
        # The old block's address goes to nobody.
        for address in (b"10.90.0.2", b"10.90.0.1"):
            talk.expect(
                "NET-11", "the address", told(talk, "hostname -I", network=name), address + b" \n"
            )
            free(talk, name)


@case("networks/same-block-again", "NET-11", "NET-36", normalise=NETWORKS)
def _(talk: Talk) -> None:
    """Made again with its own block, a network gives an address twice, and takes it back early."""
    with networks(talk) as (name,):
        talk.call("CreateNetwork", name=name, cidr="10.92.0.0/30")
        old = talk.run("sleep", "60", network=name)
        talk.call("CreateNetwork", name=name, cidr="10.92.0.0/30")
        new = talk.run("sleep", "60", network=name)
        talk.expect("NET-36", "how many jobs hold .1", count(talk, name), 2)
        talk.call("StopJob", uuid=old)
        talk.until("one job is left", lambda: count(talk, name) == 1)
        third = talk.run("sleep", "60", network=name)
        fourth = told(talk, "hostname -I", network=name)
        talk.expect("NET-36", "a fourth job's address", fourth, b"10.92.0.1 \n")
        for job in (new, third):
            talk.call("StopJob", uuid=job)


@case(
    "networks/host-name",
    "NET-35",
    normalise=(*NETWORKS, Pattern(r"^host \S+", "host", "it is the host's", "payload")),
)
def _(talk: Talk) -> None:
    """A job's host name is the host's, on every network."""
    shown = {told(talk, "echo host $(hostname)", network=each) for each in ("", "bridge", "none")}
    talk.expect("NET-35", "how many names there are", len(shown), 1)
    talk.check("NET-35", "it is no job's name", not shown.pop().startswith(b"host job_"))


@case("networks/viewer", "AUTH-07", "AUTH-09", needs=("viewer", "stranger"), normalise=NETWORKS)
def _(talk: Talk) -> None:
    """A viewer lists networks, and neither makes nor removes them; a stranger does nothing."""
    with networks(talk) as (name,):
        talk.call("CreateNetwork", name=name, cidr="10.93.0.0/29")
        for role, shown in (("viewer", "viewer"), ("nobody", "unknown")):
            asked: tuple[tuple[str, dict[str, Any]], ...] = (
                ("CreateNetwork", {"name": "", "cidr": "wrong"}),
                ("RemoveNetwork", {"name": name}),
            )
            for method, fields in asked:
                reply = talk.call(method, role=role, **fields)
                text = f"role {shown} is not allowed to perform operation run_job"
                talk.refused("AUTH-07", reply, "PERMISSION_DENIED", text)
        reply = talk.call("ListNetworks", role="viewer", record=False)
        talk.check(
            "AUTH-09", "a viewer sees it", name in {each.name for each in reply.message.networks}
        )
        reply = talk.call("ListNetworks", role="nobody")
        text = "role unknown is not allowed to perform operation stream_jobs"
        talk.refused("AUTH-07", reply, "PERMISSION_DENIED", text)
        talk.expect("AUTH-07", "what is left", len(listed(talk, "networks")), 1)


@case(
    "networks/without-bridge",
    "NET-12",
    "NET-26",
    needs=("destructive", "restart"),
    normalise=NETWORKS,
)
def _(talk: Talk) -> None:
    """The built-in network can be removed, and made again like any other; a restart restores it."""
    with networks(talk) as (name,):
        talk.call("CreateNetwork", name=name, cidr="10.94.0.0/29")
        try:
            free(talk, "bridge")
            gone = talk.call("RemoveNetwork", name="bridge").message
            talk.check("NET-26", "it is removed", gone.success)
            reply = talk.call("RunJob", command="true")
            text = f"{LAUNCH}failed to allocate IP: no IP pool found for network: bridge"
            talk.refused("NET-26", reply, "INTERNAL", text)
            made = talk.call("CreateNetwork", name="bridge", cidr="172.20.0.0/16").message
            talk.expect("NET-12", "its device", made.bridge, "")
            talk.expect("NET-12", "an address", told(talk, "hostname -I"), b"172.20.0.1 \n")
        finally:
            talk.target.restart()
        (bridge,) = listed(talk, "networks", also="bridge")
        talk.expect(
            "NET-26", "after a restart", (bridge.name, bridge.bridge), ("bridge", "joblet0")
        )
