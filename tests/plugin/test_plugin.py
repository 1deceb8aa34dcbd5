from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import grpc
import pytest

# Loaded here, or a run inside a test would load gRPC, and unload it when it ends.
from joblet_fake import FakeJoblet  # noqa: TC001 - see above

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

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


def run_one(fake: FakeJoblet) -> str:
    return str(fake.rpc("RunJob", command="echo", args=["hi"]).job_uuid)


# The fixtures


def test_joblet_is_started_over_mutual_tls_on_two_loopback_ports(joblet: FakeJoblet) -> None:
    job_id = run_one(joblet)
    assert joblet.jobs[job_id].stdout == "hi\n"
    assert joblet.credentials is not None
    assert joblet.address.startswith("127.0.0.1:")
    assert joblet.persist_address.startswith("127.0.0.1:")
    assert joblet.address != joblet.persist_address
    with pytest.raises(grpc.RpcError) as refused:
        joblet.rpc("RunJob", role="viewer", command="echo")
    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED


def test_each_test_gets_fresh_state(suite: pytest.Pytester) -> None:
    suite.makepyfile("""
        import pytest

        @pytest.mark.parametrize("n", range(3))
        def test_alone(joblet, n):
            assert len(joblet.jobs) == len(joblet.calls) == 0
            joblet.programs.on("echo").exits(9)
            joblet.rpc("RunJob", command="echo")

        def test_programs_are_gone_too(joblet):
            job_id = joblet.rpc("RunJob", command="echo").job_uuid
            assert joblet.jobs[job_id].exit_code == 0
    """)
    suite.runpytest().assert_outcomes(passed=4)


def test_module_and_session_fixtures_keep_what_tests_put_in(suite: pytest.Pytester) -> None:
    body = """
        def test_first(joblet_module, joblet_session):
            joblet_module.rpc("RunJob", command="echo")
            joblet_session.rpc("RunJob", command="echo")
            assert len(joblet_module.jobs) == 1

        def test_second(joblet_module, joblet_session):
            assert len(joblet_module.jobs) == 1
            assert len(joblet_session.jobs) == {expected}
            joblet_module.reset()
            assert len(joblet_module.jobs) == 0
    """
    suite.makepyfile(test_a=body.format(expected=1), test_b=body.format(expected=2))
    suite.runpytest().assert_outcomes(passed=4)


def test_factory_makes_independent_nodes_that_stop_with_the_test(suite: pytest.Pytester) -> None:
    suite.makepyfile("""
        import pytest

        nodes = []

        @pytest.mark.joblet(clock="frozen")
        def test_nodes(joblet, joblet_factory):
            nodes.extend([joblet, joblet_factory(), joblet_factory(tls=False)])
            assert len({node.address for node in nodes}) == 3
            ids = [node.rpc("RunJob", command="echo").job_uuid for node in nodes]
            assert len(set(ids)) == 3
            assert [len(node.jobs) for node in nodes] == [1, 1, 1]
            assert [node.clock.mode for node in nodes] == ["frozen"] * 3
            assert nodes[2].credentials is None
            with pytest.raises(pytest.fail.Exception, match="no option apy; its options: api"):
                joblet_factory(apy="2.3.1")

        def test_stopped():
            for node in nodes:
                with pytest.raises(RuntimeError, match="not started"):
                    node.address
    """)
    suite.runpytest().assert_outcomes(passed=2)


def test_joblet_options_can_be_overridden(suite: pytest.Pytester) -> None:
    suite.makepyfile("""
        import pytest

        @pytest.fixture
        def joblet_options(joblet_options):
            return {**joblet_options, "clock": "skipping", "seed": 5}

        def test_overridden(joblet, joblet_factory):
            assert (joblet.clock.mode, joblet.options.seed) == ("skipping", 5)
            assert joblet_factory().options.seed == 6

        @pytest.mark.joblet(seed=6)
        def test_the_marker_is_stronger(joblet):
            assert (joblet.clock.mode, joblet.options.seed) == ("skipping", 6)

        class TestWrong:
            @pytest.fixture
            def joblet_options(self):
                return {"tsl": False}

            def test_refused(self, joblet):
                pass
    """)
    result = suite.runpytest("--joblet-clock=frozen")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["joblet_options: FakeJoblet has no option tsl; *tls, *"])


def test_rnx_config_is_a_file_with_a_node_for_each_role(
    joblet: FakeJoblet,
    rnx_config: Path,
) -> None:
    """RNX-02: its default node is the one that clients take."""
    text = rnx_config.read_text()
    assert text.startswith("version:")
    assert text.count(f"address: {joblet.address}") == 3
    assert "BEGIN CERTIFICATE" in text


@pytest.mark.parametrize("name", ["rnx_config", "joblet_env", "joblet_module", "joblet_factory"])
def test_fixtures_explain_themselves(suite: pytest.Pytester, name: str) -> None:
    result = suite.runpytest("--fixtures", "-q")
    result.stdout.re_match_lines([rf"{name}.* -- .*plugin\.py:\d+", r"    \w+"])


# The marker


def test_the_closest_marker_wins(suite: pytest.Pytester) -> None:
    suite.makepyfile("""
        import pytest

        pytestmark = pytest.mark.joblet(clock="frozen", seed=1)

        def told(joblet):
            return joblet.clock.mode, joblet.options.seed, joblet.options.tls

        def test_module(joblet):
            assert told(joblet) == ("frozen", 1, True)

        @pytest.mark.joblet(seed=2)
        class TestClass:
            def test_class(self, joblet):
                assert told(joblet) == ("frozen", 2, True)

            @pytest.mark.joblet(clock="skipping", tls=False)
            def test_test(self, joblet):
                assert told(joblet) == ("skipping", 2, False)
                assert joblet.rpc("RunJob", command="echo").job_uuid

        @pytest.mark.parametrize(
            "api",
            [pytest.param(api, marks=pytest.mark.joblet(api=api)) for api in ("2.2.0", "2.3.0")],
        )
        def test_param(joblet, api):
            assert joblet.options.api == api

        def test_module_fixture(joblet_module):
            assert told(joblet_module) == ("frozen", 1, True)

        @pytest.mark.joblet(behavior="server", pace="real", start=None, roles=False)
        def test_others(joblet):
            assert joblet.options.pace == "real"
    """)
    suite.runpytest("--joblet-seed=9").assert_outcomes(passed=7)


def test_an_unknown_keyword_is_refused_before_anything_is_set_up(suite: pytest.Pytester) -> None:
    suite.makepyfile("""
        import pytest

        @pytest.fixture
        def expensive():
            raise AssertionError("was set up")

        @pytest.mark.joblet(clok="frozen")
        def test_typo(expensive, joblet):
            pass

        @pytest.mark.joblet("frozen")
        def test_positional(expensive, joblet):
            pass

        @pytest.mark.joblet(clock="icy")
        def test_value(expensive, joblet):
            pass

        @pytest.mark.joblet(api="9.9.9")
        def test_version(expensive, joblet):
            pass

        @pytest.mark.joblet(tls="no")
        def test_type(expensive, joblet):
            pass

        @pytest.mark.joblet(seed="x")
        def test_without_a_fake(expensive):
            pass

        def test_factory(joblet_factory):
            joblet_factory(core_port="50051")

        def test_others_run(joblet):
            pass
    """)
    result = suite.runpytest()
    result.assert_outcomes(passed=1, failed=1, errors=6)
    result.stdout.fnmatch_lines(
        [
            "@pytest.mark.joblet: FakeJoblet has no option clok; its options: api, *clock, *seed*",
            "@pytest.mark.joblet('frozen'): the marker takes keywords alone; *options: api, *",
            "@pytest.mark.joblet: unknown clock 'icy': it is one of flowing, frozen, skipping",
            "@pytest.mark.joblet: unknown api '9.9.9': the published versions are 1.0.0, *",
            "@pytest.mark.joblet: tls='no': it is True or False",
            "@pytest.mark.joblet: seed='x': it is a whole number",
            "FakeJoblet: core_port='50051': it is a whole number",
        ]
    )
    assert "another exception" not in result.stdout.str()
    assert result.stdout.lines.count("@pytest.mark.joblet: tls='no': it is True or False") == 1
    assert "was set up" not in result.stdout.str()
    assert "Traceback" not in result.stdout.str()


def test_the_marker_is_listed(suite: pytest.Pytester) -> None:
    suite.runpytest("--markers").stdout.fnmatch_lines(["@pytest.mark.joblet(api=..., clock=*"])


# The options of a run


@pytest.mark.parametrize("how", ["arguments", "ini"])
def test_options_of_the_run_reach_every_fixture(suite: pytest.Pytester, how: str) -> None:
    suite.makepyfile("""
        def test_all(joblet, joblet_module, joblet_session, joblet_factory):
            for fake in (joblet, joblet_module, joblet_session):
                options = fake.options
                assert (options.api, options.clock, options.seed) == ("2.2.0", "frozen", 7)
            assert joblet_factory().options.seed == 8
            assert joblet_factory().options.seed == 9
    """)
    values = {"api": "2.2.0", "clock": "frozen", "seed": "7"}
    if how == "ini":
        suite.makeini(INI + "".join(f"joblet_{name} = {value}\n" for name, value in values.items()))
        arguments = []
    else:
        suite.makeini(INI + "joblet_seed = 1\njoblet_api = 1.0.0\n")
        arguments = [f"--joblet-{name}={value}" for name, value in values.items()]
    suite.runpytest(*arguments).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("argument", "reason"),
    [
        ("--joblet-api=9.9.9", "--joblet-api: unknown api '9.9.9': * 2.3.1*"),
        ("--joblet-clock=icy", "--joblet-clock: unknown clock 'icy': * flowing, frozen, skipping"),
        ("--joblet-seed=x", "joblet-seed=x: a seed is a whole number"),
    ],
)
def test_a_wrong_option_ends_the_run_at_once(
    suite: pytest.Pytester,
    argument: str,
    reason: str,
) -> None:
    suite.makepyfile("def test_it(): pass")
    result = suite.runpytest(argument)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {reason}"])


def test_a_wrong_key_in_the_configuration_file_is_told_by_the_first_fixture(
    suite: pytest.Pytester,
) -> None:
    suite.makeini(INI + "joblet_clock = icy\n")
    suite.makepyfile("def test_it(joblet): pass")
    result = suite.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["FakeJoblet: unknown clock 'icy': *"])


def test_the_plugin_can_be_left_out(suite: pytest.Pytester) -> None:
    suite.makepyfile("def test_it(joblet): pass")
    result = suite.runpytest_subprocess("-p", "no:joblet")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*fixture 'joblet' not found"])


# What it costs to have it installed

LISTED = """
import sys
import pytest

class Listing:
    @staticmethod
    def pytest_sessionfinish(session):
        print("MODULES", *sorted(sys.modules))

sys.exit(pytest.main(sys.argv[1:], plugins=[Listing()]))
"""


def modules(folder: Path, *arguments: str) -> set[str]:
    result = subprocess.run(
        [sys.executable, "-c", LISTED, "-s", *arguments],
        cwd=folder,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(result.stdout.partition("MODULES ")[2].splitlines()[0].split())


def test_the_plugin_imports_nothing_but_pytest(suite: pytest.Pytester) -> None:
    """A run without a fake: what it has loaded with the plugin beyond what it has without."""
    suite.makeini("[pytest]\n")
    suite.makepyfile("def test_it(): pass")
    bare = modules(suite.path)
    assert modules(suite.path, "-p", "pytest_joblet.plugin") - bare == {
        "pytest_joblet",
        "pytest_joblet.plugin",
    }


# When something goes wrong


def test_an_error_inside_the_fake_fails_the_test_with_its_own_traceback(
    suite: pytest.Pytester,
) -> None:
    suite.makepyfile(
        where="""
            def broken(*arguments):
                wheel = "square"
                raise ZeroDivisionError(f"the {wheel} wheel came off")
        """,
        test_it="""
            import grpc
            import pytest
            from where import broken

            def test_swallowed(joblet, monkeypatch):
                monkeypatch.setattr(joblet.model, "change", broken)
                with pytest.raises(grpc.RpcError):
                    joblet.rpc("RunJob", command="echo")

            def test_not_swallowed(joblet_module, monkeypatch):
                monkeypatch.setattr(joblet_module.model, "change", broken)
                joblet_module.rpc("RunJob", command="echo")

            def test_stream(joblet, monkeypatch):
                job_id = joblet.rpc("RunJob", command="echo").job_uuid
                monkeypatch.setattr(joblet.model, "change", broken)
                with pytest.raises(grpc.RpcError):
                    list(joblet.rpc("GetJobLogs", uuid=job_id))

            def test_the_next_one_is_well(joblet, joblet_module):
                assert joblet.rpc("RunJob", command="echo")
                assert joblet_module.rpc("RunJob", command="echo")
        """,
    )
    result = suite.runpytest()
    result.assert_outcomes(passed=1, failed=3)
    shown = result.stdout.str()
    for name in ("test_swallowed", "test_not_swallowed", "test_stream"):
        report = shown.partition(f"_ {name} _")[2].partition("\n____")[0]
        assert 'wheel = "square"' in report
        assert "where.py:3: ZeroDivisionError" in report
        assert "the square wheel came off" in report
    assert "plugin.py" not in shown


def test_a_raising_predicate_fails_the_test_with_its_own_traceback(
    suite: pytest.Pytester,
) -> None:
    suite.makepyfile("""
        import contextlib

        import grpc

        def test_it(joblet):
            def picky(job):
                return {}["colour"]

            joblet.programs.on("paint", when=picky).exits(0)
            with contextlib.suppress(grpc.RpcError):
                joblet.rpc("RunJob", command="paint")
    """)
    result = suite.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(['> *return {}?"colour"?', "E *KeyError: 'colour'"])


@pytest.mark.parametrize("first", ["", "yield Sleep(0)", "yield Sleep(5)"])
def test_a_raising_program_fails_the_test_with_its_own_traceback(
    suite: pytest.Pytester, first: str
) -> None:
    suite.makepyfile(f"""
        import pytest
        from joblet_fake import Sleep, Stdout

        @pytest.mark.joblet(clock="frozen")
        def test_it(joblet):
            @joblet.programs.register("paint")
            def paint(job):
                {first or "pass"}
                colour = job.environment["COLOUR"]
                yield Stdout(colour.encode())

            job_id = joblet.rpc("RunJob", command="paint").job_uuid
            joblet.clock.advance(10)
            assert joblet.jobs[job_id].status == "COMPLETED"
    """)
    result = suite.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(['> *colour = job.environment?"COLOUR"?', "E *KeyError: 'COLOUR'"])


def test_a_failure_in_the_test_is_shown_beside_the_one_in_the_fake(
    suite: pytest.Pytester,
) -> None:
    suite.makepyfile("""
        def test_it(joblet, monkeypatch):
            def broken(*arguments):
                raise ZeroDivisionError("inside")

            monkeypatch.setattr(joblet.model, "change", broken)
            joblet.rpc("RunJob", command="echo")
    """)
    result = suite.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*ZeroDivisionError: inside"])
    result.stdout.fnmatch_lines(["*StatusCode.INTERNAL*"])


def test_a_programs_error_fails_the_test_whoever_swallows_it_on_another_thread(
    suite: pytest.Pytester,
) -> None:
    suite.makepyfile("""
        import threading
        from concurrent.futures import ThreadPoolExecutor

        import pytest
        from joblet_fake import Sleep

        pytestmark = pytest.mark.joblet(clock="frozen", program_timeout=0.3)

        @pytest.fixture
        def job(joblet):
            @joblet.programs.register("raises")
            def raises(job):
                yield Sleep(1)
                raise KeyError("COLOUR")

            @joblet.programs.register("hangs")
            def hangs(job):
                yield Sleep(1)
                threading.Event().wait(5)

            return lambda command: joblet.rpc("RunJob", command=command)

        @pytest.mark.parametrize("command", ["raises", "hangs"])
        def test_swallowed(joblet, job, command):
            def app():
                try:
                    joblet.clock.advance(1)
                except Exception:
                    pass

            job(command)
            worker = threading.Thread(target=app)
            worker.start()
            worker.join()

        def test_handed_on(joblet, job):
            job("raises")
            with ThreadPoolExecutor() as pool:
                pool.submit(joblet.clock.advance, 1).result()

        def test_expected_here(joblet, job):
            job("raises")
            with pytest.raises(KeyError):
                joblet.clock.advance(1)

        def test_expected_of_another_thread(joblet, job):
            job("raises")
            with ThreadPoolExecutor() as pool, pytest.raises(KeyError):
                pool.submit(joblet.clock.advance, 1).result()
            with pytest.raises(KeyError):
                joblet.check()
    """)

    result = suite.runpytest()

    result.assert_outcomes(passed=2, failed=3)
    result.stdout.fnmatch_lines(["*KeyError: 'COLOUR'", "*StuckError: hangs *", "*test_handed_on*"])
    assert str(result.stdout).count('>       raise KeyError("COLOUR")') == 2


def test_an_error_while_the_fake_stops_fails_the_teardown(suite: pytest.Pytester) -> None:
    suite.makepyfile("""
        import pytest

        @pytest.fixture
        def late(joblet):
            yield
            joblet._errors.append(ZeroDivisionError("late"))

        def test_it(late):
            pass
    """)
    result = suite.runpytest()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["E *ZeroDivisionError: late"])


@pytest.mark.parametrize("how", ["KeyboardInterrupt", "pytest.exit.Exception"])
def test_an_interrupted_run_ends_whatever_went_wrong_before(
    suite: pytest.Pytester,
    how: str,
) -> None:
    suite.makepyfile(f"""
        import pytest

        def test_it(joblet):
            joblet._errors.append(ZeroDivisionError("early"))
            raise {how}("enough")

        def test_never(joblet):
            pass
    """)
    result = suite.runpytest_subprocess()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert "passed" not in result.stdout.str()


def test_a_stalled_stream_ends_and_fails_the_test_with_the_reason(suite: pytest.Pytester) -> None:
    suite.makepyfile("""
        import grpc
        import pytest

        pytestmark = pytest.mark.joblet(clock="frozen", stall_timeout=0.2)

        def test_something_is_due(joblet):
            job_id = joblet.rpc("RunJob", command="sleep", args=["60"]).job_uuid
            with pytest.raises(grpc.RpcError) as ended:
                list(joblet.rpc("GetJobLogs", uuid=job_id))
            assert ended.value.code() is grpc.StatusCode.ABORTED

        def test_nothing_is_due(joblet):
            joblet.programs.on("wait").hangs()
            job_id = joblet.rpc("RunJob", command="wait").job_uuid
            list(joblet.rpc("GetJobLogs", uuid=job_id))
    """)
    result = suite.runpytest()
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "E *StalledError: clock is frozen, next event in 60 s: advance()",
            "E *StalledError: clock is frozen and nothing is due: no advance() can end this wait",
        ]
    )


def test_a_test_that_is_over_leaves_no_fake_in_memory(suite: pytest.Pytester) -> None:
    suite.makepyfile("""
        import gc
        import weakref

        made = []

        def test_it(joblet, joblet_factory):
            joblet.rpc("RunJob", command="echo")
            made.extend([weakref.ref(joblet), weakref.ref(joblet_factory())])

        def test_gone():
            gc.collect()
            assert [fake() for fake in made] == [None, None]
    """)
    suite.runpytest().assert_outcomes(passed=2)


# The environment of clients


def test_joblet_env_leads_clients_to_the_fake(
    joblet: FakeJoblet,
    joblet_env: dict[str, str],
) -> None:
    assert all(os.environ[name] == value for name, value in joblet_env.items())
    assert f"{os.environ['JOBLET_HOST']}:{os.environ['JOBLET_PORT']}" == joblet.address


def test_joblet_env_restores_everything(
    suite: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("JOBLET_NODE", "production")
    monkeypatch.setenv("RNX_CONFIG", "/production.yml")
    monkeypatch.setenv("no_proxy", "intranet")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("JOBLET_ADDR", raising=False)
    suite.makepyfile("""
        import os
        from pathlib import Path

        before = dict(os.environ)

        def test_set(joblet, joblet_env, tmp_path):
            assert "JOBLET_NODE" not in os.environ
            assert os.environ["JOBLET_ADDR"] == joblet.address
            assert os.environ["no_proxy"] == "127.0.0.1,localhost,intranet"
            assert Path.home().is_relative_to(tmp_path)
            assert Path(os.environ["RNX_CONFIG"]).read_text() == joblet.rnx_config()

        def test_restored():
            now = dict(os.environ)
            del now["PYTEST_CURRENT_TEST"]
            before.pop("PYTEST_CURRENT_TEST", None)
            assert now == before
    """)
    suite.runpytest().assert_outcomes(passed=2)
    assert os.environ["JOBLET_NODE"] == "production"


# Beside other plugins


def test_workers_of_xdist_have_fakes_of_their_own(pytester: pytest.Pytester) -> None:
    pytester.makeini(INI.replace("-p no:xdist ", ""))
    pytester.makepyfile("""
        import pytest

        @pytest.mark.parametrize("n", range(8))
        def test_it(joblet, joblet_session, worker_id, n):
            assert worker_id in ("gw0", "gw1")
            assert joblet.rpc("RunJob", command="echo").job_uuid
            assert joblet_session.options.seed == joblet.options.seed == 4

        def test_fails(joblet):
            joblet.rpc("RunJob", command="echo", args=["shown"])
            raise AssertionError
    """)
    result = pytester.runpytest_subprocess("-n2", "--joblet-seed=4", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=8, failed=1)
    result.stdout.fnmatch_lines(["*- joblet calls -*", "*RunJob(command='echo', args=?'shown'?)*"])


def test_two_hundred_tests_run_a_job_each(
    pytester: pytest.Pytester,
    measured: Callable[[str], None],
) -> None:
    pytester.makeini(INI.replace("-p no:xdist ", ""))
    pytester.makepyfile("""
        import pytest

        @pytest.mark.parametrize("n", range(200))
        def test_job(joblet, n):
            job_id = joblet.rpc("RunJob", command="echo", args=[str(n)]).job_uuid
            assert joblet.jobs.wait(job_id).stdout == f"{n}\\n"

        @pytest.mark.parametrize("n", range(200))
        def test_nothing(n):
            pass
    """)
    spent = {}
    for name in ("test_job", "test_nothing"):
        result = pytester.runpytest_subprocess("-n2", "-q", "-k", name, "-p", "no:cacheprovider")
        result.assert_outcomes(passed=200)
        assert result.stderr.str() == ""
        spent[name] = result.duration
    cost = (spent["test_job"] - spent["test_nothing"]) / 200 * 1000
    measured(
        f"200 tests with the joblet fixture and a job each, -n 2: {spent['test_job']:.1f} s, "
        f"{cost:.1f} ms a test more than an empty one"
    )
