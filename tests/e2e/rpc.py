"""gRPC in tests: contracts, a client, and upstreams that do what a test tells them.

All of it is grpcio, which shares no code with Parley.
"""

import base64
import contextlib
import queue
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable
from concurrent import futures
from pathlib import Path

from harness import ROOT, wait_until

# ./dev test installs it there, at a version of the project's choice.
sys.path[:0] = map(str, (ROOT / "build/tools/python").glob("lib/python3*/site-packages"))

import grpc  # noqa: E402
import grpc_tools  # noqa: E402
from google.protobuf import (  # noqa: E402
    descriptor_pb2,
    descriptor_pool,
    json_format,
    message_factory,
)
from grpc_tools import protoc  # noqa: E402

PROTOS = ROOT / "proto"
TESTDATA = Path(__file__).parent / "testdata"


class Contract:
    """Messages and methods of some .proto files."""

    def __init__(self, files: descriptor_pb2.FileDescriptorSet):
        self.files = files.file
        self._pool = descriptor_pool.DescriptorPool()
        for file in self.files:
            self._pool.Add(file)

    @classmethod
    def compiled(cls, folder: Path, *names: str) -> "Contract":
        """From files of a folder, which may import the well-known ones and google/api's."""
        return cls(descriptor_pb2.FileDescriptorSet.FromString(descriptor_set(folder, *names)))

    @classmethod
    def from_text(cls, **files: str) -> "Contract":
        """From texts: `shop="syntax = ..."` is shop.proto."""
        with tempfile.TemporaryDirectory(prefix="protos-") as folder:
            for name, text in files.items():
                Path(folder, f"{name}.proto").write_text(text, encoding="utf-8")
            return cls.compiled(Path(folder), *(f"{name}.proto" for name in files))

    def message(self, full_name: str) -> type:
        return message_factory.GetMessageClass(self._pool.FindMessageTypeByName(full_name))

    def method(self, path: str):
        """By `package.Service/Method`."""
        service, _, name = path.partition("/")
        return self._pool.FindServiceByName(service).methods_by_name[name]

    def services(self) -> list[str]:
        """Those of the files themselves, not of what they import from the shared folder."""
        own = (file for file in self.files if not (PROTOS / file.name).exists())
        return [f"{file.package}.{one.name}" for file in own for one in file.service]

    def file_of(self, symbol: str) -> str:
        """The name of the file that declares a service or a message; KeyError when none does."""
        return self._pool.FindFileContainingSymbol(symbol).name


def descriptor_set(folder: Path, *names: str) -> bytes:
    """A FileDescriptorSet with all imports, by grpcio's compiler, which knows editions."""
    with tempfile.NamedTemporaryFile(suffix=".binpb") as out:
        known = Path(grpc_tools.__file__).parent / "_proto"
        flags = [f"-I{folder}", f"-I{PROTOS}", f"-I{known}", "--include_imports"]
        status = protoc.main(["protoc", *flags, f"--descriptor_set_out={out.name}", *names])
        assert status == 0, f"protoc refuses {names}"
        return Path(out.name).read_bytes()


def shop() -> Contract:
    names = ("users", "catalogue", "orders")
    files = [f"shop/v1/{name}.proto" for name in names]
    return Contract.compiled(ROOT / "demo/proto", *files, "google/rpc/error_details.proto")


def own() -> Contract:
    """What Parley answers itself."""
    names = ("health/v1/health", "reflection/v1/reflection", "reflection/v1alpha/reflection")
    return Contract.compiled(PROTOS, *(f"grpc/{name}.proto" for name in names))


class Reply:
    """How a call ended: its messages as dictionaries, metadata, code, message."""

    def __init__(self, messages: list, error: grpc.RpcError | None, call: grpc.Call):
        self.messages = messages
        self.code = error.code() if error else grpc.StatusCode.OK
        self.text = error.details() if error else ""
        self.initial = dict(call.initial_metadata() or ())
        self.trailing = dict(call.trailing_metadata() or ())

    @property
    def message(self) -> dict:
        assert self.code == grpc.StatusCode.OK, self
        assert len(self.messages) == 1, self
        return self.messages[0]

    def __repr__(self) -> str:
        return f"<{self.code} {self.text!r} {self.trailing} {self.messages}>"


class Client:
    """A grpcio channel that calls by path and speaks dictionaries."""

    def __init__(self, address: str, contract: Contract, **options):
        self._contract = contract
        settings = {"grpc.max_receive_message_length": -1, **options}
        # A channel of its own connection, whatever other tests have open.
        settings["grpc.use_local_subchannel_pool"] = 1
        self._channel = grpc.insecure_channel(address, options=list(settings.items()))

    def close(self):
        self._channel.close()

    def start(self, path: str, requests: dict | Iterable[dict], **how):
        """The running call. `how`: timeout, metadata, compression."""
        method = self._contract.method(path)
        takes = self._contract.message(method.input_type.full_name)
        gives = self._contract.message(method.output_type.full_name)
        streams = method.client_streaming
        # Unary answers, too, are read as a stream of one: so every call is the same object.
        kind = self._channel.stream_stream if streams else self._channel.unary_stream
        stub = kind(f"/{path}", lambda one: one.SerializeToString(), gives.FromString)
        if streams:
            return stub((json_format.ParseDict(one, takes()) for one in requests), **how)
        return stub(json_format.ParseDict(requests, takes()), **how)

    def call(self, path: str, requests: dict | Iterable[dict], **how) -> Reply:
        """The whole call, at most 20 s of it."""
        how.setdefault("timeout", 20)
        call, messages, error = self.start(path, requests, **how), [], None
        try:
            for message in call:
                messages.append(as_dict(message))
        except grpc.RpcError as failed:
            error = failed
        return Reply(messages, error, call)


    def decode(self, full_name: str, data: bytes) -> dict:
        return as_dict(self._contract.message(full_name).FromString(data))


class Turns:
    """The requests of a stream that a test sends one by one."""

    def __init__(self):
        self._said = queue.SimpleQueue()

    def say(self, message: dict):
        self._said.put(message)

    def end(self):
        self._said.put(None)

    def __iter__(self):
        return iter(self._said.get, None)


def as_dict(message) -> dict:
    """In proto names; google.protobuf.Any by the pool of the message itself."""
    pool = message.DESCRIPTOR.file.pool
    return json_format.MessageToDict(
        message, preserving_proto_field_name=True, descriptor_pool=pool
    )


class Seen:
    """A call as an upstream has it."""

    def __init__(self, path: str, requests, context: grpc.ServicerContext):
        self.path = path
        self.text = getattr(requests, "text", "")
        self.metadata = [(name, value) for name, value in context.invocation_metadata()]
        self.seconds_left = context.time_remaining()
        self.ended = threading.Event()
        if not context.add_callback(self.ended.set):
            self.ended.set()


class Upstream(grpc.GenericRpcHandler):
    """A grpcio server of a contract. `answer` maps a method's name to a function of (requests,
    context) that returns a message or, for a streaming method, an iterator of them."""

    def __init__(
        self,
        contract: Contract,
        answer: dict[str, Callable],
        *,
        address: str = "127.0.0.1:0",
        reflection: tuple[str, ...] = ("v1", "v1alpha"),
    ):
        self.contract = contract
        self.seen: list[Seen] = []
        self._answer = answer
        self.reflections = [Reflection(contract, version) for version in reflection]
        self._server = grpc.server(
            futures.ThreadPoolExecutor(max_workers=32),
            handlers=[self, *self.reflections],
            options=[("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", -1)],
        )
        # The port that a former server has just left may need a moment.
        port = wait_until(lambda: self._bind(address), f"{address} to be free")
        host = address.rpartition(":")[0]
        self.address = address if host == "unix" else f"{host}:{port}"
        self._server.start()

    def tell(self, contract: Contract):
        """From now on reflection says this."""
        for reflection in self.reflections:
            reflection.contract = contract

    def _bind(self, address: str) -> int:
        with contextlib.suppress(RuntimeError):
            return self._server.add_insecure_port(address)
        return 0

    def service(self, handler_call_details):
        path = handler_call_details.method[1:]
        try:
            method = self.contract.method(path)
        except KeyError:
            return None
        takes = self.contract.message(method.input_type.full_name)

        def serve(requests, context):
            self.seen.append(Seen(path, requests, context))
            return self._answer[method.name](requests, context)

        kind = {
            (False, False): grpc.unary_unary_rpc_method_handler,
            (False, True): grpc.unary_stream_rpc_method_handler,
            (True, False): grpc.stream_unary_rpc_method_handler,
            (True, True): grpc.stream_stream_rpc_method_handler,
        }[method.client_streaming, method.server_streaming]
        return kind(serve, takes.FromString, lambda one: one.SerializeToString())

    def call_of(self, text: str) -> Seen:
        """The call with that text, as soon as it is there."""
        return wait_until(
            lambda: next((one for one in list(self.seen) if one.text == text), None),
            f"the call {text} at the upstream",
        )

    def stop(self):
        self._server.stop(None).wait()


class Reflection(grpc.GenericRpcHandler):
    """Server reflection in one version, from the contract's own descriptors. `mute`: as if it was
    not there."""

    def __init__(self, contract: Contract, version: str):
        self.contract = contract
        self.mute = False
        self.asked = 0
        self._path = f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo"
        package = f"grpc.reflection.{version}"
        self._takes = own_contract().message(f"{package}.ServerReflectionRequest")
        self._gives = own_contract().message(f"{package}.ServerReflectionResponse")

    def service(self, handler_call_details):
        if handler_call_details.method != self._path:
            return None
        self.asked += 1
        if self.mute:
            return None
        return grpc.stream_stream_rpc_method_handler(
            lambda requests, _: map(self._reply, requests),
            self._takes.FromString,
            lambda one: one.SerializeToString(),
        )

    def _reply(self, request):
        reply = self._gives(original_request=request)
        if request.HasField("list_services"):
            for name in self.contract.services():
                reply.list_services_response.service.add(name=name)
            return reply
        wanted = request.file_by_filename
        with contextlib.suppress(KeyError):
            wanted = wanted or self.contract.file_of(request.file_containing_symbol)
        files = [one for one in self.contract.files if one.name == wanted]
        for file in files:
            data = file.SerializeToString()
            reply.file_descriptor_response.file_descriptor_proto.append(data)
        if not files:
            reply.error_response.error_code = grpc.StatusCode.NOT_FOUND.value[0]
            reply.error_response.error_message = "no such file or symbol"
        return reply


_own: list[Contract] = []


def own_contract() -> Contract:
    if not _own:
        _own.append(own())
    return _own[0]


class Lab(Upstream):
    """The upstream of testdata/lab.proto, with a name that its answers tell."""

    def __init__(self, name: str = "lab", contract: Contract | None = None, **how):
        contract = contract or Contract.compiled(TESTDATA, "lab.proto")
        self.name = name
        answer = {
            "Echo": self._echo,
            "Hidden": self._echo,
            "Hang": self._hang,
            "Fail": self._fail,
            "Count": self._count,
            "Linger": self._linger,
            "Sum": self._sum,
            "Chat": lambda requests, _: requests,
        }
        super().__init__(contract, answer, **how)

    def _sample(self, **fields):
        return self.contract.message("lab.v1.Sample")(upstream=self.name, **fields)

    def _echo(self, request, context):
        seen = {}
        for name, value in context.invocation_metadata():
            text = value if isinstance(value, str) else base64.b64encode(value).decode()
            seen[name] = text if name not in seen else f"{seen[name]}, {text}"
        own = [(n, v) for n, v in context.invocation_metadata() if n.startswith("x-")]
        if any(value == "gzip" for _, value in own):
            context.set_compression(grpc.Compression.Gzip)
        context.send_initial_metadata([(f"{name[:2]}initial-{name[2:]}", v) for name, v in own])
        context.set_trailing_metadata([(f"{name[:2]}trailing-{name[2:]}", v) for name, v in own])
        left = context.time_remaining()
        return self._sample(
            text=request.text, number=request.number, payload=request.payload, metadata=seen,
            # Without a deadline grpcio has a number beyond all measure.
            seconds_left=left if left is not None and left < 1e6 else -1,
        )  # fmt: skip

    def _hang(self, _, context):
        self._until_ended(context)
        return self._sample()

    def _fail(self, request, context):
        code = next(one for one in grpc.StatusCode if one.value[0] == request.number)
        context.abort(code, request.text)

    def _count(self, request, context):
        for number in range(abs(request.number)):
            yield self._sample(number=number)
        if request.number < 0:
            context.abort(grpc.StatusCode.DATA_LOSS, "the tape has torn")

    def _linger(self, request, context):
        yield self._sample(text=request.text)
        self._until_ended(context)

    def _sum(self, requests, _):
        return self._sample(number=sum(one.number for one in requests))

    def _until_ended(self, context):
        ended = threading.Event()
        if context.add_callback(ended.set):
            ended.wait(60)
