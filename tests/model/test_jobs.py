from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from joblet_fake.model import Job, JobSpec
from joblet_fake.model.jobs import Index, Jobs


def job(uuid: str) -> Job:
    return Job(uuid, JobSpec("work"), "RUNNING", start_ns=0)


ids = st.text("ab0-", min_size=1, max_size=4)


@given(st.sets(ids, max_size=12), st.text("ab0-", max_size=5))
def test_an_id_or_a_prefix_of_exactly_one_finds_a_job(known: set[str], text: str) -> None:
    """JOB-UID-01: an ambiguous prefix finds none; the empty one the only job."""
    index = Index()
    for uuid in known:
        index.add(job(uuid))
    matches = [uuid for uuid in known if uuid.startswith(text)]
    expected = text if text in known else matches[0] if len(matches) == 1 else None
    found = index.find(text)
    assert (None if found is None else found.uuid) == expected


@given(st.lists(st.tuples(st.booleans(), ids), max_size=30))
def test_an_index_is_a_mapping_in_the_order_of_ids(does: list[tuple[bool, str]]) -> None:
    """JOB-LST-02: an order that says nothing of the jobs' age."""
    index, expected = Index(), {}
    for adds, uuid in does:
        if adds:
            expected[uuid] = job(uuid)
            index.add(expected[uuid])
        else:
            expected.pop(uuid, None)
            index.remove(uuid)
    assert list(index) == [expected[uuid] for uuid in sorted(expected)]
    assert len(index) == len(expected)
    assert all(index.exact(uuid) is expected[uuid] for uuid in expected)


def test_36_characters_are_never_a_prefix() -> None:
    index = Index()
    index.add(job("a" * 40))
    assert index.find("a" * 35) is not None
    assert index.find("a" * 36) is None


def test_case_counts() -> None:
    index = Index()
    index.add(job("abc"))
    assert index.find("A") is None


def test_jobs_may_go_while_they_are_gone_through() -> None:
    index = Index()
    for uuid in "abc":
        index.add(job(uuid))
    seen = []
    for each in index:
        index.remove("b")
        seen.append(each.uuid)
    assert seen == ["a", "b", "c"]
    assert len(index) == 2


def test_the_buffer_outlives_the_store() -> None:
    """JOB-DEL-06."""
    jobs = Jobs()
    jobs.add(job("abc"))
    jobs.stored.remove("abc")
    assert jobs.stored.find("a") is None
    assert jobs.buffered.find("a") is not None
