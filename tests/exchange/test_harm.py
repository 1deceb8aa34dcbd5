"""What would harm a real server harms nothing here, and the journal says so."""

from __future__ import annotations

import grpc
import pytest

from joblet_fake import FakeJoblet


@pytest.mark.parametrize("name", ["../../../etc", "..", "a/../..", "."])
def test_a_removal_that_leads_out_of_the_folder_is_told(name: str) -> None:
    """RT-46."""
    with FakeJoblet(clock="frozen", tls=False) as joblet:
        joblet.runtimes.add("python-3.11")
        joblet.rpc("RemoveRuntime", runtime=name)
        call = joblet.calls.last()

        assert call.harm.startswith("a real server deletes /")
        assert call.harm in str(call)
        assert call.harm in call.whole()


@pytest.mark.parametrize("name", ["python-3.11", "python-3.11@1.0.0", "nope", "", "@../.."])
def test_an_ordinary_removal_is_not(name: str) -> None:
    with FakeJoblet(clock="frozen", tls=False) as joblet:
        joblet.runtimes.add("python-3.11")
        joblet.rpc("RemoveRuntime", runtime=name)

        assert joblet.calls.last().harm == ""


def test_a_job_that_crashes_a_real_server_is_told() -> None:
    """NET-33."""
    with FakeJoblet(clock="frozen", tls=False) as joblet:
        joblet.rpc("CreateNetwork", name="lab", cidr="10.9.0.0/24")
        joblet.rpc("CreateNetwork", name="lab", cidr="")
        with pytest.raises(grpc.RpcError) as caught:
            joblet.rpc("RunJob", command="true", network="lab")

        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE  # type: ignore[attr-defined]
        assert joblet.calls.last().harm == "a real server crashes here (NET-33)"
        assert len(joblet.rpc("ListNetworks").networks) == 2
