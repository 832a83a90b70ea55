"""Server reflection (v1 and v1alpha), so that a gateway can ask for the contract."""

import contextlib
import tempfile
from pathlib import Path

from .contract import (
    PROTOS,
    Contract,
    descriptor_pb2,
    descriptor_pool,
    grpc,
    message_factory,
    protoc,
)

VERSIONS = ("v1", "v1alpha")


class Reflection(grpc.GenericRpcHandler):
    def __init__(self, contract: Contract, services: list[str], version: str):
        package = f"grpc.reflection.{version}"
        pool = _pool(version)
        names = ("ServerReflectionRequest", "ServerReflectionResponse")
        kinds = [pool.FindMessageTypeByName(f"{package}.{name}") for name in names]
        self._takes, self._gives = map(message_factory.GetMessageClass, kinds)
        self._path = f"/{package}.ServerReflection/ServerReflectionInfo"
        self._contract, self._services = contract, services
        files = descriptor_pb2.FileDescriptorSet.FromString(contract.descriptors).file
        self._files = {file.name: file.SerializeToString() for file in files}

    def service(self, handler_call_details):
        if handler_call_details.method != self._path:
            return None
        return grpc.stream_stream_rpc_method_handler(
            lambda requests, _: map(self._reply, requests),
            self._takes.FromString,
            lambda one: one.SerializeToString(),
        )

    def _reply(self, request):
        reply = self._gives(original_request=request)
        if request.HasField("list_services"):
            for name in self._services:
                reply.list_services_response.service.add(name=name)
            return reply
        name, symbol = request.file_by_filename, request.file_containing_symbol
        with contextlib.suppress(KeyError):
            name = name or self._contract.pool.FindFileContainingSymbol(symbol).name
        if name in self._files:
            reply.file_descriptor_response.file_descriptor_proto.append(self._files[name])
        else:
            reply.error_response.error_code = grpc.StatusCode.NOT_FOUND.value[0]
            reply.error_response.error_message = "no such file or symbol"
        return reply


def _pool(version: str) -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    name = f"grpc/reflection/{version}/reflection.proto"
    with tempfile.NamedTemporaryFile(suffix=".binpb") as out:
        flags = [f"-I{PROTOS}", "--include_imports", f"--descriptor_set_out={out.name}"]
        assert protoc.main(["protoc", *flags, name]) == 0, f"protoc refuses {name}"
        data = Path(out.name).read_bytes()
    for file in descriptor_pb2.FileDescriptorSet.FromString(data).file:
        pool.Add(file)
    return pool
