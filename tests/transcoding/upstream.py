"""The recording upstream: a gRPC server that remembers each call and answers as the case says."""

import base64
import threading
from concurrent import futures
from dataclasses import dataclass

from .contract import PACKAGE, SERVICES, Contract, grpc
from .reflection import VERSIONS, Reflection
from .table import Case


@dataclass
class Call:
    """A call that a gateway made. `data`: the bytes of the request message."""

    method: str  # Service.Method
    data: bytes
    metadata: list[tuple[str, str]]  # values of -bin fields in base64
    seconds_left: float | None


class Upstream:
    """Listens when constructed. Every call between two `play`s belongs to the first one's case."""

    def __init__(self, contract: Contract, address: str = "127.0.0.1:0"):
        self._contract = contract
        self._case = Case("none", "", "")
        self._calls: list[Call] = []
        self._lock = threading.Lock()
        self._server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
        services = [f"{PACKAGE}.{service}" for service in SERVICES]
        reflections = [Reflection(contract, services, version) for version in VERSIONS]
        self._server.add_generic_rpc_handlers([_Methods(self), *reflections])
        port = self._server.add_insecure_port(address)
        self.address = f"{address.rpartition(':')[0]}:{port}"
        self._server.start()

    def stop(self):
        self._server.stop(None).wait()

    def play(self, case: Case):
        with self._lock:
            self._case, self._calls = case, []

    @property
    def calls(self) -> list[Call]:
        with self._lock:
            return list(self._calls)

    def handler(self, path: str):
        service, _, method = path.lstrip("/").partition("/")
        name = f"{service.removeprefix(PACKAGE + '.')}.{method}"
        try:
            found = self._contract.method(name)
        except KeyError:
            return None

        def serve(request: bytes, context):
            with self._lock:
                case = self._case
                self._calls.append(self._call(name, request, context))
            return self._answer(name, case, context)

        def serve_one(request: bytes, context):
            return next(serve(request, context), b"")

        if found.server_streaming:
            return grpc.unary_stream_rpc_method_handler(serve)
        return grpc.unary_unary_rpc_method_handler(serve_one)

    def _call(self, name: str, request: bytes, context) -> Call:
        metadata = [
            (key, value if isinstance(value, str) else base64.b64encode(value).decode())
            for key, value in context.invocation_metadata()
        ]
        left = context.time_remaining()
        # Without a deadline grpcio has a number beyond all measure.
        return Call(name, request, metadata, left if left is not None and left < 1e6 else None)

    def _answer(self, name: str, case: Case, context):
        """The messages of the script, or an empty one where it has no say."""
        steps = case.script or [("message", "{}")]
        initial = [_field(rest) for step, rest in steps if step == "metadata"]
        trailing = [_field(rest) for step, rest in steps if step == "trailer"]
        failure = next((rest for step, rest in steps if step == "fail"), None)
        if failure and (details := [rest for step, rest in steps if step == "detail"]):
            status = self._status(failure, details)
            trailing.append(("grpc-status-details-bin", status.SerializeToString()))
        context.set_trailing_metadata(trailing)
        if initial:
            context.send_initial_metadata(initial)
        for step, rest in steps:
            if step == "hex":
                yield bytes.fromhex(rest)
            elif step == "message":
                message = self._contract.parse(self._contract.answer(name), rest)
                yield message.SerializeToString()
        if failure:
            code, _, text = failure.partition(" ")
            context.abort(grpc.StatusCode[code], text)

    def _status(self, failure: str, details: list[str]):
        code, _, text = failure.partition(" ")
        status = self._contract.message("google.rpc.Status")()
        status.code, status.message = grpc.StatusCode[code].value[0], text
        for detail in details:
            kind, _, value = detail.partition(" ")
            message = self._contract.parse(self._contract.message(kind), value)
            status.details.add().Pack(message)
        return status


class _Methods(grpc.GenericRpcHandler):
    def __init__(self, upstream: Upstream):
        self._upstream = upstream

    def service(self, handler_call_details):
        return self._upstream.handler(handler_call_details.method)


def _field(text: str) -> tuple[str, str | bytes]:
    name, _, value = text.partition(": ")
    return name, base64.b64decode(value) if name.endswith("-bin") else value
