"""Faults in tests: rules that prove nothing fail them, and a failed test's report tells of all."""

from __future__ import annotations

import pytest

# Loaded here, or a run inside a test would load gRPC, and unload it when it ends.
import joblet_fake  # noqa: F401 - see above

INI = """
[pytest]
filterwarnings = error
asyncio_default_fixture_loop_scope = function
addopts = --strict-markers --strict-config -p no:xdist -p no:cacheprovider -p no:hypothesispytest
"""


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project of its own, as strict as one can be."""
    pytester.makeini(INI)
    return pytester


def test_unused_rules_fail_a_test_that_would_pass(suite: pytest.Pytester) -> None:
    suite.makepyfile("""
        def test_unused(joblet):
            joblet.faults.on("RunJob").fail("UNAVAILABLE", times=2)
            joblet.faults.on("ListJobs").times(3)

        def test_cleared(joblet):
            joblet.faults.on("RunJob").fail("UNAVAILABLE").clear()

        def test_used(joblet):
            joblet.faults.on("RunJob").delay(0.001)
            joblet.rpc("RunJob", command="true")
    """)
    result = suite.runpytest()
    result.assert_outcomes(failed=1, passed=2)
    result.stdout.fnmatch_lines(
        [
            "*UnusedFaultError: fault rules that were not used:",
            "*on('JobService.RunJob').fail('UNAVAILABLE', times=2) hit 0 of 2 calls",
            "*on('JobService.ListJobs').times(3) has no action: continue it, *",
            "*unused_faults=True, an option of the fake and of @pytest.mark.joblet, allows it)",
        ]
    )


def test_a_marker_or_an_option_allows_unused_rules(suite: pytest.Pytester) -> None:
    suite.makepyfile("""
        import pytest

        @pytest.mark.joblet(unused_faults=True)
        def test_marked(joblet, joblet_module):
            joblet.faults.on("RunJob").fail("UNAVAILABLE")
            joblet_module.faults.on("RunJob").fail("UNAVAILABLE")

        def test_made_so(joblet_factory):
            joblet_factory(unused_faults=True).faults.on("RunJob").fail("UNAVAILABLE")

        def test_others_are_as_strict_as_ever(joblet_factory):
            joblet_factory().faults.on("RunJob").fail("UNAVAILABLE")
    """)
    suite.runpytest().assert_outcomes(failed=2, passed=1)  # the module's rule is still unused


def test_a_test_that_failed_already_fails_for_its_own_reason(suite: pytest.Pytester) -> None:
    suite.makepyfile("""
        import pytest

        def test_fails(joblet):
            joblet.faults.on("RunJob").fail("UNAVAILABLE")
            assert joblet.rpc("ListJobs").jobs, "mine"

        def test_skips(joblet):
            joblet.faults.on("RunJob").fail("UNAVAILABLE")
            pytest.skip("not here")
    """)
    result = suite.runpytest()
    result.assert_outcomes(failed=1, skipped=1)
    result.stdout.fnmatch_lines(["*AssertionError: mine"])
    assert "UnusedFaultError" not in result.stdout.str()


def test_rules_of_a_shared_fake_blame_the_test_that_left_them(suite: pytest.Pytester) -> None:
    suite.makepyfile("""
        def test_leaves_one(joblet_module):
            joblet_module.faults.on("RunJob").fail("UNAVAILABLE")

        def test_next(joblet_module):
            joblet_module.rpc("RunJob", command="true")
    """)
    suite.runpytest().assert_outcomes(failed=1, passed=1)


def test_a_failed_tests_report_tells_which_faults_happened(suite: pytest.Pytester) -> None:
    suite.makepyfile("""
        import grpc

        def test_fails(joblet):
            joblet.faults.on("RunJob").fail("UNAVAILABLE", "gone")
            joblet.faults.on("ListJobs").probability(0.5).stall()
            joblet.faults.server.disk_full()
            for _ in range(2):
                try:
                    joblet.rpc("RunJob", command="true")
                except grpc.RpcError:
                    pass
            assert False
    """)
    result = suite.runpytest("--joblet-seed=42")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*admin   JobService.RunJob(command='true') -> UNAVAILABLE 'gone', by a fault",
            "*- joblet faults -*",
            "hit 2 calls: on('JobService.RunJob').fail('UNAVAILABLE', 'gone')",
            "not used: on('JobService.ListJobs').probability(0.5).stall()",
            "chance has a part: --joblet-seed=42 repeats it",
            "of the server: disk_full",
        ]
    )


def test_a_rule_that_was_half_used_is_told_once(suite: pytest.Pytester) -> None:
    suite.makepyfile("""
        import grpc

        def test_half(joblet):
            joblet.faults.on("RunJob").fail("UNAVAILABLE", times=2)
            joblet.faults.on("RunJob").delay(0.001).then.fail("ABORTED", times=2)
            try:
                joblet.rpc("RunJob", command="true")
            except grpc.RpcError:
                pass
            assert False
    """)
    result = suite.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*- joblet faults -*",
            "hit 1 of 2 calls: on('JobService.RunJob').fail('UNAVAILABLE', times=2)",
            "not used: on('JobService.RunJob').delay(0.001).then.fail('ABORTED', times=2)",
        ],
        consecutive=True,
    )
    assert result.stdout.str().count("on('JobService.RunJob').fail('UNAVAILABLE', times=2)") == 1


def test_a_rule_that_fails_the_test_is_told_by_the_error_and_how_far_it_came(
    suite: pytest.Pytester,
) -> None:
    suite.makepyfile("""
        import grpc
        import pytest

        def test_half(joblet):
            joblet.faults.on("RunJob").fail("UNAVAILABLE", times=2)
            with pytest.raises(grpc.RpcError):
                joblet.rpc("RunJob", command="true")
    """)
    suite.runpytest().stdout.fnmatch_lines(
        [
            "E *UnusedFaultError: fault rules that were not used:",
            "E *on('JobService.RunJob').fail('UNAVAILABLE', times=2) hit 1 of 2 calls",
            "hit 1 of 2 calls: on('JobService.RunJob').fail('UNAVAILABLE', times=2)",
        ]
    )


def test_the_seed_that_is_told_repeats_what_chance_did_in_a_further_fake(
    suite: pytest.Pytester,
) -> None:
    """Fakes of a factory have seeds of their own, made of the run's."""
    suite.makepyfile("""
        import grpc

        def test_fails(joblet_factory):
            joblet_factory()
            joblet = joblet_factory()
            joblet.faults.on("RunJob").probability(0.5).fail("UNAVAILABLE")
            for _ in range(16):
                try:
                    joblet.rpc("RunJob", command="true")
                except grpc.RpcError:
                    pass
            assert False
    """)

    def codes(*arguments: str) -> tuple[list[str], list[str]]:
        lines = suite.runpytest(*arguments).outlines
        told = [line for line in lines if line.startswith("chance has a part")]
        return told, [line for line in lines if "JobService.RunJob(" in line]

    (told,), first = codes("--joblet-seed=5")
    assert told == ("chance has a part: --joblet-seed=5 repeats it (the seed of this fake is 7)")
    assert len(first) == 16
    assert codes(told.split()[4])[1] == first
    assert codes("--joblet-seed=6")[1] != first
