"""Two stacks that call a fake and tell what they see, in the same words: grpcio and grpc-js."""

from __future__ import annotations

import itertools
import json
import os
import queue
import subprocess
import sysconfig
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import grpc
from real_client import GRPC_JS, node_modules

if TYPE_CHECKING:
    from collections.abc import Mapping

    from joblet_fake import FakeJoblet

PATIENCE = 20.0
"""Real seconds after which a call that says nothing fails the test."""


@dataclass
class Seen:
    """What a client has seen of one call.

    Attributes:
        messages: of each message the text in it: a chunk of a log, a job's id, or all of it.
        code: the code's name, as the client has it.
        text: the details beside it.
        trailers: the trailing metadata.
        began: when the call began, in the client's seconds.
        moments: when each message came.
        ended: when it ended.
    """

    messages: list[str] = field(default_factory=list)
    code: str = ""
    text: str = ""
    trailers: dict[str, Any] = field(default_factory=dict)
    began: float = 0.0
    moments: list[float] = field(default_factory=list)
    ended: float = 0.0

    @property
    def took(self) -> float:
        """Seconds from the beginning to the end."""
        return self.ended - self.began


class Open(Protocol):
    """A call under way."""

    def until(self, messages: int) -> Seen:
        """Wait for so many messages."""

    def end(self) -> Seen:
        """Wait for the end."""


class Caller(Protocol):
    """A client of one fake."""

    name: str

    def begin(self, method: str, *, seconds: float = 10, **fields: Any) -> Open:
        """Begin a call."""

    def ask(self, method: str, *, seconds: float = 10, **fields: Any) -> Seen:
        """Make a call, and give what came of it."""


class Told:
    """A call whose news come by a queue, as `(event, value, moment)`."""

    def __init__(self) -> None:
        self.news: queue.SimpleQueue[tuple[str, Any, float]] = queue.SimpleQueue()
        self._seen = Seen()

    def until(self, messages: int) -> Seen:
        while len(self._seen.messages) < messages and not self._seen.code:
            self._take()
        return self._seen

    def end(self) -> Seen:
        while not self._seen.code:
            self._take()
        return self._seen

    def _take(self) -> None:
        event, value, moment = self.news.get(timeout=PATIENCE)
        seen = self._seen
        if event == "begin":
            seen.began = moment
        elif event == "message":
            seen.messages.append(value)
            seen.moments.append(moment)
        else:
            seen.code, seen.text, seen.trailers = value
            seen.ended = moment


class Grpcio:
    """grpcio's synchronous client."""

    name = "grpcio"

    def __init__(self, joblet: FakeJoblet, options: Mapping[str, Any]) -> None:
        self._api = joblet._api
        pairs = [
            *options.items(),
            ("grpc.enable_http_proxy", 0),
            ("grpc.initial_reconnect_backoff_ms", 50),
        ]
        self._channels = {
            persist: (
                grpc.secure_channel(address, joblet.tls.channel_credentials(), pairs)
                if joblet.options.tls
                else grpc.insecure_channel(address, pairs)
            )
            for persist, address in ((False, joblet.address), (True, joblet.persist_address))
        }

    def begin(self, method: str, *, seconds: float = 10, **fields: Any) -> Told:
        shape = self._api.method(method)
        told = Told()
        channel = self._channels[shape.persist]
        make: Any = channel.unary_stream if shape.server_streaming else channel.unary_unary
        call = make(shape.path, None, shape.decode_response)
        request = shape.encode_request(fields)

        def work() -> None:
            now = time.monotonic
            told.news.put(("begin", None, now()))
            try:
                if shape.server_streaming:
                    stream = call(request, timeout=seconds)
                    for message in stream:
                        told.news.put(("message", text_of(message), now()))
                    end = stream
                else:
                    reply, end = call.with_call(request, timeout=seconds)
                    told.news.put(("message", text_of(reply), now()))
            except grpc.RpcError as error:
                end = error
            trailers = {pair[0]: pair[1] for pair in end.trailing_metadata() or ()}
            told.news.put(("end", (end.code().name, end.details(), trailers), now()))

        threading.Thread(target=work, daemon=True).start()
        return told

    def ask(self, method: str, *, seconds: float = 10, **fields: Any) -> Seen:
        return self.begin(method, seconds=seconds, **fields).end()

    def close(self) -> None:
        for channel in self._channels.values():
            channel.close()


def text_of(message: Any) -> str:
    for name in ("payload", "content", "job_uuid"):
        if name in message.DESCRIPTOR.fields_by_name:
            value = getattr(message, name)
            return value.decode() if isinstance(value, bytes) else str(value)
    return str(message)


class Node:
    """One process with grpc-js, for any number of fakes."""

    def __init__(self, folder: Path) -> None:
        modules = node_modules()
        protos = folder / "protos"
        command = str(Path(sysconfig.get_path("scripts")) / "joblet-fake")
        make = [command, "protos", "--api", "2.3.1", "--out", str(protos)]
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL)
        self._numbers = itertools.count(1)
        self._calls: dict[int, Told] = {}
        self._process = subprocess.Popen(
            ["node", str(GRPC_JS / "caller.js"), str(protos)],
            env={**os.environ, "NODE_PATH": str(modules), "no_proxy": "127.0.0.1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def number(self) -> int:
        return next(self._numbers)

    def tell(self, told: Told | None = None, **what: Any) -> None:
        if told is not None:
            self._calls[what["id"]] = told
        assert self._process.stdin is not None
        self._process.stdin.write(f"{json.dumps(what)}\n")
        self._process.stdin.flush()

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        assert self._process.wait(10) == 0
        self._reader.join(10)
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            news = json.loads(line)
            told = self._calls[news["id"]]
            value: Any = None
            if news["event"] == "message":
                message = news["message"]
                keys = [key for key in ("payload", "content", "jobUuid") if key in message]
                value = message[keys[0]] if keys else str(message)
            elif news["event"] == "end":
                value = (news["code"], news["details"], news["trailers"])
            told.news.put((news["event"], value, news["at"]))


class GrpcJs:
    """grpc-js, in a process of its own."""

    name = "grpc-js"

    def __init__(self, node: Node, joblet: FakeJoblet, options: Mapping[str, Any]) -> None:
        self._node = node
        self._api = joblet._api
        tls = joblet.tls if joblet.options.tls else None
        pems = tls and [pem.decode() for pem in (tls.ca_pem, tls.key_pem(), tls.cert_pem())]
        self._channels = {}
        quick = {"grpc.initial_reconnect_backoff_ms": 50, **options}
        for persist, address in ((False, joblet.address), (True, joblet.persist_address)):
            channel = str(node.number())
            node.tell(verb="open", channel=channel, address=address, pems=pems, options=quick)
            self._channels[persist] = channel

    def begin(self, method: str, *, seconds: float = 10, **fields: Any) -> Told:
        shape = self._api.method(method)
        told = Told()
        self._node.tell(
            told,
            verb="call",
            id=self._node.number(),
            channel=self._channels[shape.persist],
            service=shape.key.partition(".")[0],
            method=shape.name,
            request=fields,
            seconds=seconds,
        )
        return told

    def ask(self, method: str, *, seconds: float = 10, **fields: Any) -> Seen:
        return self.begin(method, seconds=seconds, **fields).end()

    def close(self) -> None:
        for channel in self._channels.values():
            self._node.tell(verb="close", channel=channel)
