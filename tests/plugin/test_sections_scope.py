"""Which fakes a failed test's report tells of."""

from __future__ import annotations

import pytest

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


def test_a_fake_of_the_run_is_told_of_only_by_tests_that_use_it(suite: pytest.Pytester) -> None:
    suite.makepyfile("""
        def test_uses(joblet_session):
            joblet_session.rpc("RunJob", command="true")
            assert False

        def test_asks_for_it_inside(request):
            request.getfixturevalue("joblet_session")
            assert False

        def test_does_not():
            assert False
    """)

    output = suite.runpytest_subprocess().stdout.str()

    uses, asks, does_not = output.split("__ test_")[1:]
    assert "joblet calls" in uses
    assert "joblet calls" in asks
    assert "joblet calls" not in does_not
    assert "joblet jobs" not in does_not


def test_a_failed_expectation_shows_the_tests_own_line_and_none_of_ours(
    suite: pytest.Pytester,
) -> None:
    suite.makepyfile("""
        import pytest

        def test_called(joblet):
            joblet.calls.assert_called("StopJob")

        def test_waited(joblet):
            joblet.calls.wait_for("StopJob", timeout=0.01)
    """)

    result = suite.runpytest_subprocess()

    result.stdout.fnmatch_lines([">*joblet.calls.assert_called(*", "E * at least one call *"])
    result.stdout.fnmatch_lines([">*joblet.calls.wait_for(*", "E *0 of 1 calls to *"])
    result.stdout.no_fnmatch_line("*calls.py:*")


def test_a_restart_is_told_though_it_is_over(suite: pytest.Pytester) -> None:
    suite.makepyfile("""
        def test_restarted(joblet):
            joblet.restart()
            assert False
    """)

    suite.runpytest_subprocess().stdout.fnmatch_lines(
        ["*- joblet faults -*", "of the server: restarted 1 time"]
    )
