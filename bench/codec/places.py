"""Where the codec's benchmark lies, and what it makes."""

from gateway.places import BENCH, ROOT, WORK

CODEC = BENCH / "codec"
CONTRACT = CODEC / "lab.proto"
MADE = WORK / "codec"
DATA = MADE / "data"
RELEASE = ROOT / "build" / "release"

# One program may hold several candidates.
PARLEY = RELEASE / "bench" / "bench_codec"
PROTOBUF = MADE / "cpp" / "bench_codec_protobuf"
UPB = MADE / "cpp" / "bench_codec_upb"
RUST = MADE / "rust" / "target" / "release" / "bench_codec_rust"
GO = MADE / "go" / "bench_codec_go"
