# ./dev transcoding: the conformance suite for google.api.http, against Parley or another gateway.
# tests/transcoding/README.md says what the flags do.

verb_transcoding() {
  local purposes=(test) flag parley=1
  for flag in "$@"; do
    case $flag in
      --target* | --descriptors* | --list | --help | -h) parley= ;;
      --peers*) purposes+=(bench) ;;
    esac
  done
  [[ -z $parley ]] || purposes+=(build)
  install_packages "${purposes[@]}"
  install_grpcio || die "the suite's upstream needs grpcio"
  [[ -z $parley ]] || build_targets release parley || die "Parley cannot be tested before it builds"
  exec tests/transcoding/run "$@"
}
