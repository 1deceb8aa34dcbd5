"""Copies of a state: each thing once, and what is due of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from puppets import Stage

from joblet_fake.model.copying import Copying, Due
from joblet_fake.model.job import Job
from joblet_fake.model.log import Log
from joblet_fake.model.network import Networks
from joblet_fake.model.outcome import Outcome
from joblet_fake.model.tree import MemoryTree

MODEL = Stage().model
CHUNKS = st.lists(
    st.tuples(st.binary(min_size=1, max_size=5), st.sampled_from(["stdout", "stderr"]))
)


@pytest.fixture
def copying() -> Copying:
    return Copying(Stage().model.twin())


def test_what_is_known_twice_is_copied_once(copying: Copying) -> None:
    log = Log()

    assert copying.of(log) is copying.of(log)
    assert copying.of(log) is not log


def test_what_never_changes_is_shared(copying: Copying) -> None:
    words = ("a", "b")

    assert copying.of(words) is words
    assert copying.of(None) is None


def test_what_is_due_is_due_of_the_copy(copying: Copying) -> None:
    first, second = Outcome[str](), Outcome[str]()
    first.on_done(Due(second.resolve, "told"))
    told: list[str] = []
    first.on_done(lambda: told.append("a client"))

    copy, other = copying.of(first), copying.of(second)
    copy.resolve("now")

    assert (other.done, other.result()) == (True, "told")
    assert (first.done, second.done, told) == (False, False, [])


def test_a_timer_is_copied_with_what_it_does_if_that_can_be(copying: Copying) -> None:
    stage = Stage()
    outcome = Outcome[int]()
    mine = stage.clock.call_later(5, Due(outcome.resolve, 3))
    clients = stage.clock.call_later(5, lambda: None)

    copies = [copying.of(timer) for timer in stage.clock.pending()]

    assert [timer.action is None for timer in copies] == [False, True]
    assert copies == [copying.of(mine), copying.of(clients)]
    stage.clock.cancel_all()
    stage.clock.advance(60)
    stage.clock.take_over(copies[:1], shift=stage.clock.now_ns() - copies[0].when + 10**9)
    stage.clock.advance(1)
    assert copying.of(outcome).result() == 3


@given(before=CHUNKS, mine=CHUNKS, other=CHUNKS)
def test_a_log_and_its_copy_share_the_past_and_nothing_else(
    before: list[tuple[bytes, str]], mine: list[tuple[bytes, str]], other: list[tuple[bytes, str]]
) -> None:
    def write(log: Log, chunks: list[tuple[bytes, str]]) -> None:
        for data, stream in chunks:
            log.append(data, 0, stream)

    def plain(*runs: list[tuple[bytes, str]]) -> list[bytes]:
        return [data for run in runs for data, _ in run]

    log = Log()
    write(log, before)
    copy = Copying(MODEL).of(log)
    write(log, mine)
    again = Copying(MODEL).of(copy)
    write(copy, other)

    for each, chunks in ((log, (before, mine)), (copy, (before, other)), (again, (before,))):
        assert [each.chunk(number) for number in range(len(each))] == plain(*chunks)
        assert each.content() == b"".join(plain(*chunks))
        assert each.content("stderr") == b"".join(
            data for run in chunks for data, stream in run if stream == "stderr"
        )


WRITES = st.lists(
    st.tuples(st.sampled_from(["a", "b"]), st.binary(max_size=3), st.booleans()), max_size=6
)


@given(before=WRITES, mine=WRITES, other=WRITES)
def test_a_tree_and_its_copy_share_files_until_one_writes(
    before: list[tuple[str, bytes, bool]],
    mine: list[tuple[str, bytes, bool]],
    other: list[tuple[str, bytes, bool]],
) -> None:
    def written(*runs: list[tuple[str, bytes, bool]]) -> MemoryTree:
        tree = MemoryTree(capacity=100)
        for run in runs:
            write(tree, run)
        return tree

    def write(tree: MemoryTree, run: list[tuple[str, bytes, bool]]) -> None:
        for path, data, append in run:
            if data == b"":
                tree.write(path, b"", append=append)
                tree.remove(path)
            else:
                tree.write(path, data, append=append)

    def shown(tree: MemoryTree) -> tuple[dict[str, bytes | None], int | None]:
        return {path: tree.read(path) for path in sorted(tree.paths())}, tree.room

    tree = written(before)
    copy = Copying(MODEL).of(tree)
    write(tree, mine)
    write(copy, other)

    assert shown(tree) == shown(written(before, mine))
    assert shown(copy) == shown(written(before, other))


def test_a_network_goes_on_with_the_next_address_in_both() -> None:
    networks = Networks()
    networks.create("red", "10.0.0.0/29")
    first = [networks.attach(str(number), "red") for number in range(3)]
    networks.detach("1")

    copy = Copying(MODEL).of(networks)

    rest = [[each.attach(f"new {n}", "red") for n in range(4)] for each in (networks, copy)]
    assert rest[0] == rest[1]
    assert rest[0][-1] == first[1]
    networks.detach("0")
    assert copy.jobs("red")["0"] == first[0]


def test_a_job_that_is_over_is_shared_as_long_as_nobody_looks_at_it() -> None:
    stage = Stage()
    job = stage.run()
    copying = Copying(stage.model.twin(), shares=True)
    stage.puppet(job).exit(3)
    assert copying.of(job) is job

    job.watch(lambda: None)
    copy = Copying(stage.model.twin(), shares=True).of(job)
    assert copy is not job
    assert vars_of(copy) == vars_of(job)


def test_each_field_of_a_job_that_is_over_is_in_its_copy() -> None:
    stage = Stage()
    job = stage.run()
    stage.puppet(job).write(b"x")
    stage.puppet(job).exit(3)

    assert vars_of(Copying(stage.model.twin()).of(job)) == vars_of(job)


def vars_of(job: Job) -> dict[str, object]:
    apart = {"log", "usage", "_watchers"}
    shown = {name: getattr(job, name) for name in Job.__slots__ if name not in apart}
    return {**shown, "log": job.log.content()}
