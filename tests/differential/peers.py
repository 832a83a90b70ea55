"""The servers that Parley is compared with: Debian's, before one upstream that echoes."""

import socket
import sys
from pathlib import Path

from harness import Process, free_port, tool, wait_until

HERE = Path(__file__).resolve().parent

NGINX = """
worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error;
events {{ worker_connections 4096; }}
http {{
  access_log off; default_type text/plain;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  upstream echo {{ server 127.0.0.1:{upstream}; keepalive 32; }}
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    location / {{
      proxy_pass http://echo; proxy_http_version 1.1; proxy_set_header Connection "";
    }}
  }}
}}
"""

HAPROXY = """
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend in
  bind 127.0.0.1:{port} backlog 1024
  default_backend echo
backend echo
  server echo 127.0.0.1:{upstream}
"""

APACHE = """
ServerRoot {folder}
ServerName localhost
PidFile {folder}/pid
ErrorLog {folder}/error
Listen 127.0.0.1:{port}
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
User www-data
KeepAliveTimeout 30
MaxKeepAliveRequests 0
StartServers 1
ServerLimit 4
ThreadsPerChild 128
MaxRequestWorkers 512
AsyncRequestWorkerFactor 8
AllowEncodedSlashes NoDecode
ProxyPass / http://127.0.0.1:{upstream}/ nocanon
"""

VARNISH = """
vcl 4.1;
backend default {{ .host = "127.0.0.1"; .port = "{upstream}"; }}
sub vcl_recv {{ return (pass); }}
"""

H2O = """
num-threads: 1
error-log: {folder}/error
user: nobody
listen: {{host: 127.0.0.1, port: {port}}}
hosts:
  default:
    paths:
      /:
        proxy.reverse.url: "http://127.0.0.1:{upstream}/"
        proxy.preserve-host: ON
"""

# Name: configuration, command line.
PROXIES = {
    "nginx": (NGINX, ["nginx", "-p", "{folder}", "-e", "{folder}/error", "-c", "{config}"]),
    "HAProxy": (HAPROXY, ["haproxy", "-db", "-f", "{config}"]),
    "Apache": (APACHE, ["apache2", "-f", "{config}", "-DFOREGROUND"]),
    "Varnish": (
        VARNISH,
        ["varnishd", "-F", "-j", "none", "-a", "127.0.0.1:{port}", "-f", "{config}"]
        + ["-n", "{folder}/work", "-s", "malloc,16m"],
    ),
    "H2O": (H2O, ["h2o", "-c", "{config}"]),
}


class Server:
    """A running peer."""

    def __init__(self, name: str, process: Process, port: int):
        self.name = name
        self.port = port
        self._process = process

    def stop(self):
        self._process.stop()


def start_echo() -> Server:
    process = Process(sys.executable, HERE / "echo.py", name="echo")
    return Server("echo", process, int(process.wait_for(r"^listening on (\d+)")[1]))


def start_node() -> Server:
    process = Process(tool("node"), HERE / "echo.js", name="node")
    return Server("Node", process, int(process.wait_for(r"^listening on (\d+)")[1]))


def start_proxy(name: str, upstream: int, folder: Path) -> Server:
    """Its files are in `folder`, which every user may read."""
    folder.mkdir(mode=0o755)
    values = {"port": free_port(), "upstream": upstream, "folder": folder,
              "config": folder / "config"}
    config, command = PROXIES[name]
    values["config"].write_text(config.format(**values), encoding="utf-8")
    words = [word.format(**values) for word in command]
    process = Process(tool(words[0]), *words[1:], name=name)

    def listens() -> bool:
        assert process.running, f"{name} ended:\n{process.output[-2000:]}"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", values["port"])) == 0

    wait_until(listens, f"{name} to listen", 30)
    return Server(name, process, values["port"])
