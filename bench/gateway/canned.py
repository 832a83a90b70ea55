"""The messages that the upstream answers with and the load generator sends, as files."""

import json
import subprocess

from .places import BENCH, CANNED, DESCRIPTORS, PROTO_PATH

USER_ID = 12345
LIST_SIZE = 100
GET_USER_REQUEST = f"user_id: {USER_ID}"
LIST_USERS_REQUEST = f"page_size: {LIST_SIZE}"


def user_text() -> str:
    return (BENCH / "proto" / "user.txtpb").read_text()


def user_json() -> dict:
    return json.loads((BENCH / "proto" / "user.json").read_text())


def list_text() -> str:
    users = (
        user_text().replace(f"user_id: {USER_ID}", f"user_id: {USER_ID + i}")
        for i in range(LIST_SIZE)
    )
    return "".join(f"users {{ {user} }}\n" for user in users) + list_tail()


def list_tail() -> str:
    return f'next_page_token: "abc" total_count: {LIST_SIZE}\n'


def list_json() -> dict:
    users = [{**user_json(), "userId": str(USER_ID + i)} for i in range(LIST_SIZE)]
    return {"users": users, "nextPageToken": "abc", "totalCount": LIST_SIZE}


def frame(message: bytes) -> bytes:
    """A gRPC frame: not compressed, four bytes of length, the message."""
    return b"\0" + len(message).to_bytes(4, "big") + message


def protoc(*arguments: str, stdin: bytes = b"") -> bytes:
    include = [f"-I{path}" for path in PROTO_PATH]
    command = ["protoc", *include, *arguments, "shop/v1/shop.proto"]
    return subprocess.run(command, input=stdin, stdout=subprocess.PIPE, check=True).stdout


def encode(message: str, text: str) -> bytes:
    return protoc(f"--encode=shop.v1.{message}", stdin=text.encode())


def http_answer(body: bytes) -> bytes:
    """An HTTP/1.1 response as large as Parley's."""
    head = ("HTTP/1.1 200 OK", "content-type: application/json",
            f"x-request-id: {'0' * 32}", f"content-length: {len(body)}")
    return "".join(f"{line}\r\n" for line in head).encode() + b"\r\n" + body


def write_all() -> None:
    """Writes the descriptor set and every canned message; a second or less."""
    CANNED.mkdir(parents=True, exist_ok=True)
    protoc("--include_imports", f"--descriptor_set_out={DESCRIPTORS}")
    user = encode("User", user_text())
    files = {
        "user.bin": user,
        "list.bin": encode("ListUsersResponse", list_text()),
        "user.json": json.dumps(user_json(), separators=(",", ":")).encode(),
        "get-user.grpc": frame(encode("GetUserRequest", GET_USER_REQUEST)),
        "create-user.grpc": frame(user),
        "list-users.grpc": frame(encode("ListUsersRequest", LIST_USERS_REQUEST)),
    }
    files["user.http"] = http_answer(files["user.json"])
    for name, content in files.items():
        (CANNED / name).write_bytes(content)
