"""Runs in a process of its own: calls every public method of the SDK that it finds there.

Prints JSON: the methods that there are, and per method what each of its calls gave or raised.
"""

from __future__ import annotations

import inspect
import itertools
import json
import sys
import types
import warnings
from typing import Any

import joblet  # type: ignore[import-not-found]
from joblet import services  # type: ignore[import-not-found]

WORKFLOW = """\
jobs:
  build:
    command: echo
    args: [built]
  publish:
    command: sh
    args: [-c, exit 4]
    requires:
      - build: COMPLETED
"""


class Story:
    """What the calls gave, in their order."""

    def __init__(self) -> None:
        self.seen: dict[str, dict[str, Any]] = {}

    def tell(self, owner: object, name: str, label: str, call: Any, first: int | None) -> Any:
        """Note what a call gives or raises; of a stream, its first messages."""
        given: list[object] = []
        try:
            answer = call()
            if isinstance(answer, types.GeneratorType):
                for each in itertools.islice(answer, first):
                    given.append(each)  # noqa: PERF402 - what came before an error counts too
                answer.close()
                answer = given
            told: Any = answer
        except Exception as error:  # noqa: BLE001 - which one it is, is what is asked
            told = [*given, f"{type(error).__name__}: {error}"]
            told = told if given else told[0]
            answer = None
        self.seen.setdefault(f"{type(owner).__name__}.{name}", {})[label] = told
        return answer

    def on(self, owner: object) -> Any:
        """Give a function that calls a method of an object, if this version has it."""

        def call(
            name: str,
            label: str,
            /,
            *args: object,
            first: int | None = None,
            **options: object,
        ) -> Any:
            method = getattr(owner, name, None)
            if method is None:
                return None
            return self.tell(owner, name, label, lambda: method(*args, **options), first)

        return call


def public() -> dict[str, str]:
    """Give the public methods and properties of the client and its services."""
    classes = [joblet.JobletClient]
    classes += [each for each in vars(services).values() if inspect.isclass(each)]
    return {
        f"{owner.__name__}.{name}": type(member).__name__
        for owner in classes
        if owner.__module__.startswith("joblet.") and owner.__name__.endswith(("Service", "Client"))
        for name, member in inspect.getmembers(owner)
        if not name.startswith("_")
    }


def read_jobs(story: Story, client: Any, jobs: dict[str, str]) -> None:
    """Ask about jobs that ran before, and run some."""
    call = story.on(client.jobs)
    # Before all else: the clock goes on as soon as a stream waits.
    call("get_job_logs", "of a running job", jobs["late"])
    call("get_job_logs", "of a finished job", jobs["late"])
    call("get_job_logs", "of nobody", "nobody")
    call("get_job_logs", "of an empty id", "")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call("stream_live_logs", "of a finished job", jobs["late"])
        call("stream_live_logs", "of nobody", "nobody")
    story.seen["JobService.stream_live_logs"]["warns of"] = [
        each.category.__name__ for each in caught
    ]
    hello = call("run_job", "a job", "echo", ["hello"])
    full = call(
        "run_job",
        "with everything",
        "sh",
        ["-c", "cat data.txt; echo $A; exit 3"],
        name="mine",
        max_cpu=50,
        max_memory=64,
        max_iobps=1000,
        cpu_cores="0-1",
        network="isolated",
        volumes=["models"],
        work_dir="/work",
        environment={"A": "b"},
        secret_environment={"C": "d"},
        uploads=[{"path": "data.txt", "content": b"uploaded\n"}],
    )
    later = call("run_job", "later", "echo", ["late"], schedule="2031-01-01T00:00:00Z")
    for name, ran in {"hello": hello, "full": full, "later": later}.items():
        if ran:
            jobs[name] = ran["job_uuid"]
    call("run_job", "an empty command", "")
    call("run_job", "a bad limit", "echo", max_cpu=-1)
    call("get_job_logs", "of a job with everything", jobs.get("full", jobs["late"]))
    call("get_job_status", "of a job with everything", jobs.get("full", jobs["late"]))
    call("get_job_status", "of a finished job", jobs["train"])
    call("get_job_status", "of a scheduled job", jobs["scheduled"])
    call("get_job_status", "of nobody", "nobody")
    call("get_job_status", "of an empty id", "")
    for name in ("get_job_metrics", "stream_job_metrics"):
        call(name, "of a finished job", jobs["train"])
        call(name, "of nobody", "nobody")
    for name in ("telemetry", "telematics"):
        call(f"get_job_{name}", "of a finished job", jobs["train"])
        call(f"stream_job_{name}", "of a finished job", jobs["train"], ["exec"])


def read_history(story: Story, owner: object, jobs: dict[str, str]) -> None:
    """Ask for what is stored, where a version can."""
    call = story.on(owner)
    call("query_logs", "all", jobs["late"])
    call("query_logs", "of stderr", jobs["late"], "stderr")
    call("query_logs", "a page", jobs["late"], limit=1, offset=1)
    call("query_logs", "of nobody", "nobody")
    call("query_metrics", "all", jobs["train"])
    call("query_metrics", "a page", jobs["train"], limit=1, offset=1)
    call("query_metrics", "from a time in nanoseconds", jobs["train"], start_time=10**18)
    call("query_metrics", "of nobody", "nobody")


def run_workflows(story: Story, client: Any, jobs: dict[str, str]) -> None:
    """Run one, and ask while it runs and afterwards."""
    call = story.on(client.jobs)
    call("get_workflow_jobs", "none", "nothing")
    ran = call("run_workflow", "two jobs", "two.yaml", yaml_content=WORKFLOW)
    call("run_workflow", "an empty name", "", yaml_content=WORKFLOW)
    call("run_workflow", "no yaml", "two.yaml", yaml_content="jobs: [")
    if ran is None:
        return
    jobs["workflow"] = ran["workflow_uuid"]
    call("get_workflow_jobs", "waiting", ran["workflow_uuid"])
    # The clock goes on while a stream waits: this is a minute.
    pause = client.jobs.run_job("sleep", ["60"])
    list(client.jobs.get_job_logs(pause["job_uuid"]))
    client.jobs.delete_job(pause["job_uuid"])
    ended = call("get_workflow_jobs", "ended", ran["workflow_uuid"])
    jobs.update({each["job_name"]: each["job_uuid"] for each in ended})
    call("get_workflow_jobs", "of any id", "nothing")
    call("get_workflow_status", "ended", ran["workflow_uuid"])
    call("get_workflow_status", "of nobody", "nothing")
    call("list_workflows", "all", include_completed=True)
    call("list_workflows", "those that go on")


def end_jobs(story: Story, client: Any, jobs: dict[str, str]) -> None:
    """Stop, cancel and delete."""
    call = story.on(client.jobs)
    call("cancel_job", "a scheduled job", jobs["scheduled"])
    call("cancel_job", "an empty id", "")
    call("delete_job", "a running job", jobs["long"])
    call("stop_job", "a running job", jobs["long"])
    call("stop_job", "a finished job", jobs["train"])
    call("stop_job", "a scheduled job", jobs["scheduled"])
    call("stop_job", "nobody", "nobody")
    call("delete_job", "a finished job", jobs["late"])
    call("delete_job", "again", jobs["late"])
    call("list_jobs", "some")
    call("delete_all_jobs", "all")
    call("list_jobs", "left")


def make_networks_and_volumes(story: Story, client: Any) -> None:
    """Create, list and remove both."""
    call = story.on(client.networks)
    call("create_network", "a new one", "lab", "10.9.0.0/24")
    call("create_network", "again", "lab", "10.8.0.5/24")
    call("create_network", "a bad range", "bad", "10.9.0.0")
    call("create_network", "no name", "", "10.9.0.0/24")
    call("list_networks", "all")
    call("remove_network", "one", "lab")
    call("remove_network", "again", "lab")
    call("remove_network", "no name", "")
    call = story.on(client.volumes)
    call("create_volume", "a new one", "cache", "1gb")
    call("create_volume", "again", "cache", "2gb", "memory")
    call("create_volume", "a bad name", "a b", "1GB")
    call("create_volume", "a bad size", "cache", "1 GB")
    call("create_volume", "no size", "cache", "")
    call("create_volume", "a bad type", "cache", "1GB", "disk")
    call("list_volumes", "all")
    call("remove_volume", "one", "cache")
    call("remove_volume", "again", "cache")
    call("remove_volume", "no name", "")


def watch_the_host(story: Story, client: Any) -> None:
    """Ask for the host's state, and follow it."""
    call = story.on(client.monitoring)
    call("get_system_status", "now")
    call("stream_system_metrics", "three", 10, first=3)
    call("stream_system_metrics", "only cpu", 1, ["cpu"], first=1)


def use_runtimes(story: Story, client: Any) -> None:
    """List, look at, test, validate, install and remove runtimes."""
    call = story.on(client.runtimes)
    call("list_runtimes", "all")
    for name, empty in (("get_runtime_info", True), ("test_runtime", True)):
        call(name, "one", "python-3.11-ml")
        call(name, "by its language", "python")
        call(name, "none", "ruby-3.2")
        if empty:
            call(name, "no name", "")
    for label, spec in {
        "good": "python:3.11-ml@arm64",
        "amd64": "python:3.11@amd64",
        "with dashes": "python-3.11-ml",
        "a language": "cobol:1",
        "empty": "",
    }.items():
        call("validate_runtime_spec", label, spec)
    files = [{"path": "setup.sh", "content": b"exit 0\n", "executable": True}]
    call("install_runtime_from_github", "no spec", "", "org/repository")
    call("install_runtime_from_github", "one", "go-1.22", "org/repository")
    call(
        "install_runtime_from_github", "a failing one", "broken-1", "org/repository", branch="main"
    )
    call("install_runtime_from_github", "followed", "go-1.23", "org/repository", stream=True)
    call("install_runtime_from_github", "failing, followed", "broken-1", "", stream=True)
    call("install_runtime_from_local", "one", "own-1", files)
    call("install_runtime_from_local", "followed", "own-2", files, stream=True)
    call("build_runtime", "one", "name: mine\n")
    call("validate_runtime_yaml", "one", "name: mine\n")
    call("list_runtimes", "installed")
    call("remove_runtime", "one", "python-3.11-ml")
    call("remove_runtime", "again", "python-3.11-ml")
    call("remove_runtime", "no name", "")
    call("list_runtimes", "left")


def named(seen: object, jobs: dict[str, str]) -> Any:
    """Give what was seen, with names in the place of jobs' ids."""
    text = json.dumps(seen, default=bytes.decode)
    for name, uuid in jobs.items():
        text = text.replace(uuid, f"<{name}>")
    return json.loads(text)


def main() -> dict[str, Any]:
    jobs = json.loads(sys.argv[1])
    story = Story()
    with joblet.JobletClient() as client:
        call = story.on(client)
        for name in ("jobs", "monitoring", "networks", "persist", "runtimes", "volumes"):
            if not hasattr(client, name):
                continue
            story.tell(client, name, "is", lambda: type(getattr(client, name)).__name__, None)  # noqa: B023
        story.tell(client, "node_id", "is", lambda: client.node_id, None)
        call("health_check", "of a server")
        read_jobs(story, client, jobs)
        for owner in (client.jobs, getattr(client, "persist", None)):
            read_history(story, owner, jobs)
        make_networks_and_volumes(story, client)
        use_runtimes(story, client)
        run_workflows(story, client, jobs)
        end_jobs(story, client, jobs)
        # Last: until the server knows that a stream was left, it waits, and the clock goes on.
        watch_the_host(story, client)
        call("close", "once")
        call("close", "twice")
        call("health_check", "of a closed client")
    with joblet.JobletClient(host="127.0.0.1", port=1) as client:
        story.on(client)("health_check", "of nobody")
    return {"public": public(), "seen": named(story.seen, jobs)}


if __name__ == "__main__":
    print(json.dumps(main()))  # noqa: T201 - what it is for
