# What a reader of the book types into: a shell in a clone of its own. What it has for `npm start` does what the script of that name does and comes back when the
# cluster is ready, as a second terminal would. A cluster that runs is not started again with the same words; with others it is stopped before, as by Ctrl-C. The API
# takes any free port, since others run tests on this machine, too.
set -e -o pipefail
trap leave EXIT
leave() {
  kill $(jobs -p) 2>/dev/null || true
  for data in .troupe*; do launcher reset --data "$data" --force >/dev/null 2>&1 || true; done
}
launcher() { "$NODE" "$LAUNCHER" "$@"; }
npm() {
  local script="$1"; shift
  if [ "$script" = run ]; then [ "$1" = --silent ] && shift; script="$1"; shift; fi
  [ "$1" = -- ] && shift
  case "$script" in
    start) troupe up "$@" ;;
    troupe) troupe "$@" ;;
    bench | sim) launcher "$script" "$@" ;;
    *) command npm run "$script" -- "$@" ;;
  esac
}
npx() { "$@"; }
troupe() {
  case "$1" in
    up | init) start "$@" ;;
    *) launcher "$@" ;;
  esac
}
start() {
  local data=.troupe word before= port="--api-port 0"
  for word in "$@"; do
    [ "$before" = --data ] && data="$word"
    [ "$word" = --api-port ] && port=
    before="$word"
  done
  if [ -f "$data/status.json" ] && [ "$(cat "$data/typed")" = "$*" ]; then cat "$data/printed"; return; fi
  stop "$data"
  mkdir -p "$data"
  echo "$*" >"$data/typed"
  "$NODE" "$LAUNCHER" "$@" $port >"$data/printed" 2>&1 &
  local pid=$!
  until grep -q "^ready in" "$data/printed"; do
    kill -0 $pid 2>/dev/null || { cat "$data/printed" >&2; return 1; }
    sleep 0.05
  done
  cat "$data/printed"
}
stop() {
  [ -f "$1/status.json" ] || return 0
  kill "$("$NODE" -p "JSON.parse(fs.readFileSync('$1/status.json')).pid")"
  while [ -f "$1/status.json" ]; do sleep 0.05; done
}
