"""The contract's messages and methods, from its .proto by grpcio's compiler."""

import sys
import tempfile
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).parent / "contract"
PROTOS = ROOT / "proto"  # google/api and google/rpc
PACKAGE = "transcoding.v1"
FILES = ("transcoding/v1/suite.proto", "google/rpc/error_details.proto", "google/rpc/status.proto")

# ./dev installs grpcio there; elsewhere it is the interpreter's own.
sys.path[:0] = map(str, (ROOT / "build/tools/python").glob("lib/python3*/site-packages"))

import grpc  # noqa: E402, F401
import grpc_tools  # noqa: E402
from google.protobuf import (  # noqa: E402
    descriptor_pb2,
    descriptor_pool,
    json_format,
    message_factory,
    text_format,
)
from grpc_tools import protoc  # noqa: E402

SERVICES = ("Paths", "Bodies", "Patches", "Answers", "Streams")


class Contract:
    @cached_property
    def descriptors(self) -> bytes:
        """A FileDescriptorSet with all imports, as gateways take it."""
        known = Path(grpc_tools.__file__).parent / "_proto"
        flags = [f"-I{FOLDER}", f"-I{PROTOS}", f"-I{known}", "--include_imports"]
        with tempfile.NamedTemporaryFile(suffix=".binpb") as out:
            status = protoc.main(["protoc", *flags, f"--descriptor_set_out={out.name}", *FILES])
            assert status == 0, "protoc refuses the contract"
            return Path(out.name).read_bytes()

    def descriptors_without(self, methods: Iterable[str]) -> bytes:
        """The same without the rules of some methods, for a gateway that starts with none of them.
        The methods stay."""
        files = self.message("google.protobuf.FileDescriptorSet").FromString(self.descriptors)
        rule = self.pool.FindExtensionByName("google.api.http")
        for file in files.file:
            for service in file.service if file.package == PACKAGE else ():
                for method in service.method:
                    if f"{service.name}.{method.name}" in methods:
                        method.options.ClearExtension(rule)
        return files.SerializeToString()

    @cached_property
    def pool(self) -> descriptor_pool.DescriptorPool:
        pool = descriptor_pool.DescriptorPool()
        for file in descriptor_pb2.FileDescriptorSet.FromString(self.descriptors).file:
            pool.Add(file)
        return pool

    def message(self, full_name: str) -> type:
        return message_factory.GetMessageClass(self.pool.FindMessageTypeByName(full_name))

    def method(self, name: str):
        """By `Service.Method`; KeyError when there is none."""
        service, _, method = name.partition(".")
        return self.pool.FindServiceByName(f"{PACKAGE}.{service}").methods_by_name[method]

    @cached_property
    def _rules(self) -> dict:
        # The pool's own classes: those of grpcio do not know google.api.http.
        files = self.message("google.protobuf.FileDescriptorSet").FromString(self.descriptors).file
        rule = self.pool.FindExtensionByName("google.api.http")
        return {
            f"{service.name}.{method.name}": method.options.Extensions[rule]
            for file in files if file.package == PACKAGE
            for service in file.service
            for method in service.method
        }  # fmt: skip

    def response_bodies(self, method: str) -> set[str]:
        """What the whole answer may be, by the bindings: a field, or "" for the message."""
        rule = self._rules[method]
        return {rule.response_body, *(more.response_body for more in rule.additional_bindings)}

    def request(self, method: str) -> type:
        return self.message(self.method(method).input_type.full_name)

    def answer(self, method: str) -> type:
        return self.message(self.method(method).output_type.full_name)

    def parse(self, kind: type, text: str):
        """A message from ProtoJSON; json_format.ParseError."""
        return json_format.Parse(text, kind(), descriptor_pool=self.pool)

    def text(self, message) -> str:
        """All that a message says, in one order: equal texts are equal messages, NaN and -0 too."""
        return text_format.MessageToString(message, as_one_line=True, descriptor_pool=self.pool)

    def json(self, message) -> str:
        """To show it to people."""
        try:
            return json_format.MessageToJson(message, indent=None, descriptor_pool=self.pool)
        except (ValueError, TypeError):  # a message that has no JSON, such as the year 10000
            return self.text(message)
