"""The folder of runtimes: listing, lookups, removal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from joblet_fake.model.errors import Refusal
from joblet_fake.model.runtime import Runtime
from joblet_fake.model.runtimes import Runtimes

BASE = "/opt/joblet/runtimes"
LONG = "x" * 300


def folder(*runtimes: tuple[str, Runtime]) -> Runtimes:
    made = Runtimes(lambda: "amd64")
    for path, runtime in runtimes:
        assert made.put(path, runtime)
    return made


def nested(name: str, version: str, **more: object) -> tuple[str, Runtime]:
    return f"{name}/{version}", Runtime(name, version, **more)  # type: ignore[arg-type]


@pytest.fixture
def stocked() -> Runtimes:
    """Two versions of one, a flat one, and one that is for other machines."""
    return folder(
        nested("python-3.11-ml", "1.9.0", language="python", size=100),
        nested("python-3.11-ml", "1.10.0", language="python", size=1000),
        ("openjdk-21", Runtime("openjdk-21", "3.10", size=7)),
        nested("zig-1", "0.1.0", language="zig", architectures=("mips64", "s390x")),
    )


def found(runtimes: Runtimes, spec: str) -> str:
    try:
        return runtimes.find(spec).key
    except Refusal as refusal:
        return refusal.text


def listed(runtimes: Runtimes) -> list[str]:
    return [each.path for each in runtimes]


# Listing


def test_runtimes_are_listed_by_folder_then_version_in_the_order_of_bytes(
    stocked: Runtimes,
) -> None:
    """RT-01: 1.10.0 comes before 1.9.0, and capitals before small letters."""
    stocked.put("Zebra/1.0.0", Runtime("Zebra", "1.0.0"))

    assert listed(stocked) == [
        "Zebra/1.0.0",
        "openjdk-21",
        "python-3.11-ml/1.10.0",
        "python-3.11-ml/1.9.0",
        "zig-1/0.1.0",
    ]


def test_a_version_hides_the_flat_runtime_of_its_folder_from_the_list_alone() -> None:
    """RT-01; lookups find both."""
    runtimes = folder(nested("a", "1.0.0"), ("a", Runtime("flat", "2.0.0")))

    assert listed(runtimes) == ["a/1.0.0"]
    assert found(runtimes, "flat") == "flat@2.0.0"


def test_the_listed_language_is_the_folders_where_the_file_names_none() -> None:
    """RT-02."""
    runtimes = folder(
        ("go-1.22/1.0.0", Runtime("other", "1.0.0")), nested("x-1", "2", language="y")
    )

    assert [each.listed_language for each in runtimes] == ["go", "y"]


# Lookups


@pytest.mark.parametrize(
    ("spec", "key"),
    [
        ("python-3.11-ml", "python-3.11-ml@1.10.0"),
        ("python-3.11-ml@latest", "python-3.11-ml@1.10.0"),
        ("python-3.11-ml@", "python-3.11-ml@1.10.0"),
        ("python-3.11-ml@1.9.0", "python-3.11-ml@1.9.0"),
        ("python", "python-3.11-ml@1.10.0"),
        ("python:1.9.0", "python-3.11-ml@1.9.0"),
        ("python:1.9.0+gpu+ml", "python-3.11-ml@1.9.0"),
        ("python-9.9-nonexistent", "python-3.11-ml@1.10.0"),
        ("python-1.9.0-x+tag", "python-3.11-ml@1.9.0"),
        ("openjdk-21", "openjdk-21@3.10"),
        ("@", "openjdk-21@3.10"),
        (":", "openjdk-21@3.10"),
        ("-", "openjdk-21@3.10"),
        ("--", "openjdk-21@3.10"),
        ("@latest", "openjdk-21@3.10"),
        ("unknown", "openjdk-21@3.10"),
        ("@1.9.0", "python-3.11-ml@1.9.0"),
        ("unknown-1.9.0", "python-3.11-ml@1.9.0"),
        *(
            (spec, f"runtime not found for spec {spec}")
            for spec in (
                "python-3.11-ml@9",
                "python-9.9",
                "Python",
                " python",
                "python ",
                "openjdk",
                "a-v+tag",
                "python-1.9.0+tag",
                "a:b:c",
                "../python-3.11-ml",
                LONG,
                "\x00",
                "é",
            )
        ),
    ],
)
def test_a_text_means_the_first_runtime_that_fits_it(
    stocked: Runtimes, spec: str, key: str
) -> None:
    """RT-03, RT-04, RT-05; the highest version is no idea of this generation."""
    assert found(stocked, spec) == key
    assert (spec in stocked) == (not key.startswith("runtime not found"))


@given(st.text(max_size=20))
def test_any_text_finds_something_or_is_quoted_in_the_refusal(spec: str) -> None:
    """Looked up twice, it means the same."""
    runtimes = folder(nested("a-1", "1.0.0", language="a"), nested("b", "2.0.0"))

    answer = found(runtimes, spec)

    assert answer in {"a-1@1.0.0", "b@2.0.0", f"runtime not found for spec {spec}"}
    assert found(runtimes, spec) == answer


def test_a_runtime_for_other_machines_is_found_but_can_not_be_used(stocked: Runtimes) -> None:
    """RT-06; jobs do not ask."""
    with pytest.raises(Refusal) as caught:
        stocked.resolve("zig")

    assert caught.value.text == (
        "runtime validation failed: runtime requires architecture [mips64 s390x], "
        "but system is amd64"
    )
    assert "zig-1" in stocked


@pytest.mark.parametrize(
    ("architectures", "host", "fits"),
    [
        ((), "riscv64", True),
        (("x86_64",), "amd64", True),
        (("arm64", "amd64"), "amd64", True),
        (("aarch64",), "arm64", False),
        (("amd64",), "arm64", False),
    ],
)
def test_one_architecture_of_a_runtime_must_be_the_hosts(
    architectures: tuple[str, ...], host: str, *, fits: bool
) -> None:
    """RT-06."""
    assert Runtime("a", "1", architectures=architectures).runs_on(host) is fits


# Removal


def test_with_an_at_sign_one_version_goes_and_its_parent_stays(stocked: Runtimes) -> None:
    """RT-14, RT-16, RT-46."""
    assert stocked.remove("python@1.9.0") == (
        True,
        "Runtime 'python@1.9.0' removed successfully (specific version)",
        100,
    )
    assert stocked.remove("python-3.11-ml@")[2] == 1000
    assert listed(stocked) == ["openjdk-21", "zig-1/0.1.0"]
    assert stocked.remove("python-3.11-ml") == (
        True,
        "Runtime 'python-3.11-ml' removed successfully (all versions)",
        0,
    )
    assert stocked.remove("python-3.11-ml")[:2] == (False, "Runtime 'python-3.11-ml' not found")


@pytest.mark.parametrize(
    ("spec", "freed", "left"),
    [
        ("python-3.11-ml", 1100, ["openjdk-21", "zig-1/0.1.0"]),
        (
            "python-3.11-ml//1.9.0/",
            100,
            ["openjdk-21", "python-3.11-ml/1.10.0", "zig-1/0.1.0"],
        ),
        ("/openjdk-21", 7, ["python-3.11-ml/1.10.0", "python-3.11-ml/1.9.0", "zig-1/0.1.0"]),
        (
            "zig-1/../python-3.11-ml/1.9.0",
            100,
            ["openjdk-21", "python-3.11-ml/1.10.0", "zig-1/0.1.0"],
        ),
        (
            "openjdk-21/runtime.yml",
            7,
            ["python-3.11-ml/1.10.0", "python-3.11-ml/1.9.0", "zig-1/0.1.0"],
        ),
    ],
)
def test_without_an_at_sign_a_path_goes(
    stocked: Runtimes, spec: str, freed: int, left: list[str]
) -> None:
    """RT-14, RT-46."""
    assert stocked.remove(spec) == (
        True,
        f"Runtime '{spec}' removed successfully (all versions)",
        freed,
    )
    assert listed(stocked) == left


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("", "Runtime name is required"),
        ("python", "Runtime 'python' not found"),
        ("nosuch@1", "Runtime 'nosuch@1' not found"),
        (f"nosuch/{LONG}", f"Runtime 'nosuch/{LONG}' not found"),
        (LONG, f"Failed to remove runtime: unlinkat {BASE}/{LONG}: file name too long"),
        (f"{LONG}/y", f"Failed to remove runtime: open {BASE}/{LONG}: file name too long"),
        ("a\x00b", f"Failed to remove runtime: unlinkat {BASE}/a\x00b: invalid argument"),
        ("a\x00b/c", f"Failed to remove runtime: open {BASE}/a\x00b: invalid argument"),
        (
            "openjdk-21/runtime.yml/y",
            f"Failed to remove runtime: unlinkat {BASE}/openjdk-21/runtime.yml/y: not a directory",
        ),
        (
            "openjdk-21/runtime.yml/y/z",
            f"Failed to remove runtime: open {BASE}/openjdk-21/runtime.yml/y: not a directory",
        ),
        (
            "y" * 4100,
            f"Failed to remove runtime: unlinkat {BASE}/{'y' * 4100}: file name too long",
        ),
        (
            "x/" * 2100,
            f"Failed to remove runtime: open {BASE}/{'x/' * 2098}x: file name too long",
        ),
        (f"../{LONG}", f"Runtime '../{LONG}' not found"),
        ("../../nosuch", "Runtime '../../nosuch' not found"),
        ("../logs/nosuch", "Runtime '../logs/nosuch' not found"),
    ],
)
def test_a_removal_that_can_not_be_says_why(stocked: Runtimes, spec: str, message: str) -> None:
    """RT-13, RT-15, in the words of a system that refuses a path."""
    before = listed(stocked)

    assert stocked.remove(spec) == (False, message, 0)
    assert listed(stocked) == before


@pytest.mark.parametrize("spec", ["nosuch/a\x00", "x/" * 2000 + "y" * 200])
def test_what_no_system_can_name_counts_as_removed_where_its_parent_is_not_there(
    stocked: Runtimes, spec: str
) -> None:
    before = listed(stocked)

    assert stocked.remove(spec) == (
        True,
        f"Runtime '{spec}' removed successfully (all versions)",
        0,
    )
    assert listed(stocked) == before


@pytest.mark.parametrize(
    "spec", ["..", "../..", "../../..", "../../../..", "../volumes", "../jobs/"]
)
def test_a_removal_outside_of_the_folder_is_answered_and_harms_nothing(
    stocked: Runtimes, spec: str
) -> None:
    """RT-14, RT-46: a real server deletes there."""
    before = listed(stocked)

    success, message, _ = stocked.remove(spec)

    assert success
    assert message == f"Runtime '{spec}' removed successfully (all versions)"
    assert listed(stocked) == before


def test_the_folder_itself_can_be_removed_and_comes_back_with_the_next_runtime(
    stocked: Runtimes,
) -> None:
    """RT-12."""
    gone = f"failed to read runtimes directory: open {BASE}: no such file or directory"

    assert stocked.remove(".") == (
        True,
        "Runtime '.' removed successfully (all versions)",
        1107 + Runtime("", "").size,
    )
    assert listed(stocked) == []
    assert found(stocked, "python") == gone
    assert stocked.remove(".")[1] == "Runtime '.' not found"
    assert stocked.remove("@")[1] == "Runtime '@' not found"

    stocked.put("a/1", Runtime("a", "1"))

    assert found(stocked, "a") == "a@1"


# Laying down


def test_a_runtime_is_laid_down_only_within_the_folder() -> None:
    runtimes = Runtimes(lambda: "amd64")

    assert not runtimes.put("../elsewhere", Runtime("a", "1"))
    assert not runtimes.put(LONG, Runtime("a", "1"))
    assert not runtimes.put("a\x00", Runtime("a", "1"))
    assert runtimes.put("a/1", Runtime("a", "1"))
    assert not runtimes.put("a/1/runtime.yml", Runtime("b", "1"))
    runtimes.discard("a")
    assert listed(runtimes) == []
    assert not runtimes.has("../elsewhere")


def test_a_runtime_takes_the_place_of_the_one_in_its_folder() -> None:
    runtimes = folder(nested("a", "1", size=5000), nested("a", "1", size=10))

    assert [each.runtime.size for each in runtimes] == [10]
    assert runtimes.remove("a")[2] == 10
