"""What is measured: the loads, which peers take each, and Parley's goals against them."""

from dataclasses import dataclass, field

JSON = ("content-type: application/json",)
GRPC = ("content-type: application/grpc", "te: trailers")


@dataclass(frozen=True)
class Load:
    """One request, sent over and over. `body` and `answer` name files of canned.write_all;
    `answer` is compared as JSON, or as one gRPC frame with grpc-status 0."""

    path: str
    answer: str  # "user" or "list"
    kind: str = "json"  # of the answer: "json" or "grpc"
    http: int = 1
    connections: int = 32
    streams: int = 1  # per connection at once
    body: str | None = None  # None: GET
    headers: tuple[str, ...] = ()
    tls: bool = False
    rate: int | None = None  # requests per second in all; None: as many as possible


def grpc_load(method: str, body: str, answer: str, **transport: int | None) -> Load:
    path = f"/shop.v1.UserService/{method}"
    return Load(path, answer, "grpc", body=body, headers=GRPC, **transport)


H2 = {"http": 2, "connections": 8, "streams": 16}


@dataclass(frozen=True)
class Scenario:
    """`floor`: the load for peers that copy bytes where Parley and `peers` transcode; `relays`: of
    RELAYS, those that copy the load's own bytes and look at none."""

    name: str
    what: str
    load: Load
    peers: tuple[str, ...]
    floor: Load | None = None
    floor_peers: tuple[str, ...] = ()
    relays: tuple[str, ...] = ()
    with_parley: bool = True
    with_direct: bool = False  # also the upstream with no gateway before it
    goals: dict[str, float] = field(default_factory=dict)  # peer: CPU ratio, at most
    floor_goals: dict[str, float] = field(default_factory=dict)  # the same of floor_peers


TRANSCODERS = ("envoy", "grpc-gateway", "vanguard")
COPIERS = ("nghttpx", "haproxy")
RELAYS = ("relay", "relay-uring")
LOW_RATE = 2000

SCENARIOS = (
    Scenario(
        "rest-get",
        "REST GET one user (296 B of JSON), HTTP/1.1, 32 connections",
        Load("/v1/users/12345", "user"),
        TRANSCODERS,
        floor=grpc_load("GetUser", "get-user.grpc", "user"),
        floor_peers=COPIERS,
        relays=RELAYS,
        goals={"envoy": 0.30},
        floor_goals={"nghttpx": 1.0},
    ),
    Scenario(
        "rest-post",
        "REST POST one user (296 B of JSON each way), HTTP/1.1, 32 connections",
        Load("/v1/users", "user", body="user.json", headers=JSON),
        TRANSCODERS,
        floor=grpc_load("CreateUser", "create-user.grpc", "user"),
        floor_peers=COPIERS,
        goals={"envoy": 0.28},
        floor_goals={"nghttpx": 1.1},
    ),
    Scenario(
        "rest-list",
        "REST GET 100 users (29.8 kB of JSON, 12 kB of protobuf), HTTP/1.1, 32 connections",
        Load("/v1/users?page_size=100", "list"),
        TRANSCODERS,
        floor=grpc_load("ListUsers", "list-users.grpc", "list"),
        floor_peers=COPIERS,
        goals={"envoy": 0.15},
    ),
    Scenario(
        "rest-get-h2",
        "REST GET one user, HTTP/2, 8 connections x 16 streams",
        Load("/v1/users/12345", "user", **H2),
        ("envoy", "vanguard"),
        floor=grpc_load("GetUser", "get-user.grpc", "user", **H2),
        floor_peers=COPIERS,
        goals={"envoy": 0.30},
    ),
    Scenario(
        "rest-get-slow",
        f"REST GET one user, HTTP/1.1, 32 connections, {LOW_RATE} requests a second",
        Load("/v1/users/12345", "user", rate=LOW_RATE),
        TRANSCODERS,
        floor=grpc_load("GetUser", "get-user.grpc", "user", rate=LOW_RATE),
        floor_peers=COPIERS,
        relays=RELAYS,
    ),
    Scenario(
        "grpc",
        "gRPC to gRPC, HTTP/2, 8 connections x 16 streams",
        grpc_load("GetUser", "get-user.grpc", "user", **H2),
        ("nghttpx", "haproxy", "envoy", "nginx"),
        relays=RELAYS,
        with_direct=True,
        goals={"nghttpx": 1.2, "haproxy": 1.0, "envoy": 0.35},
    ),
    Scenario(
        "grpc-tls",
        "gRPC to gRPC, TLS 1.3 from the clients, 8 connections x 16 streams",
        grpc_load("GetUser", "get-user.grpc", "user", tls=True, **H2),
        ("nghttpx", "haproxy", "envoy", "nginx"),
        goals={"nghttpx": 1.2},
    ),
    Scenario(
        "grpc-slow",
        f"gRPC to gRPC, HTTP/2, 8 connections, {LOW_RATE} requests a second",
        grpc_load("GetUser", "get-user.grpc", "user", rate=LOW_RATE, **H2),
        ("nghttpx", "haproxy", "envoy"),
        relays=RELAYS,
    ),
    Scenario(
        "h1-grpc",
        "the floor: HTTP/1.1 copied to HTTP/2, nothing transcoded, 32 connections",
        grpc_load("GetUser", "get-user.grpc", "user"),
        COPIERS,
        with_parley=False,
    ),
)


def by_name(name: str) -> Scenario:
    """REQUIRES: the name of a scenario."""
    return next(scenario for scenario in SCENARIOS if scenario.name == name)
