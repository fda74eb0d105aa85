#!/bin/sh
# Two minutes with rollouts: a release that is quietly broken comes back by itself, a good one arrives, a flag is flipped.
# Needs ostler and curl. OSTLER names the binary if it is not on the path; ADDRESS and ADMIN are the two of ostler.toml.
set -eu
cd "$(dirname "$0")"
: "${OSTLER:=ostler}" "${ADDRESS:=http://127.0.0.1:8080}" "${ADMIN:=http://127.0.0.1:9080}"
canary="--strategy canary --steps 5,25,100 --interval 5s --min-requests 50"

say() { printf '\n# %s\n' "$*"; }
# A command to the host that this script runs.
host() { "$OSTLER" "$@" --admin "$ADMIN" --token-file target/state/admin.token; }
# One person's question, and what came of it.
ask() { curl -s -H 'cookie: user=ada' "$ADDRESS/orders/7/delivery"; }

# 400 requests of anybody about anything, one after the other over one connection, until target/load is gone.
load() {
    while [ -e target/load ]; do
        awk -v seed="$(od -An -N4 -tu4 /dev/urandom)" -v address="$ADDRESS" 'BEGIN {
            srand(seed)
            for (i = 0; i < 400; i++) {
                if (i > 0) print "next"
                printf "silent\nurl = \"%s/orders/%d/delivery\"\n", address, rand() * 100000
                printf "header = \"cookie: user=%d\"\n", rand() * 1000
                print "output = \"/dev/null\"\nwrite-out = \"%{http_code}\\n\""
            }
        }' > target/requests
        curl -K target/requests >> target/answers || true
    done
}

# How many requests were answered so far, and how many of them failed.
count() { awk '$1 >= 500 || $1 == 0 { failed++ } END { print NR + 0 " requests, " failed + 0 " failed" }' target/answers; }

# Whatever was started ends with this script.
finish() {
    rm -f target/load
    for pid in $started; do kill "$pid" 2> /dev/null || true; done
    wait
}
started=""
trap finish EXIT
trap 'exit 1' INT TERM

mkdir -p target
rm -rf target/state target/answers
for release in v1 v2 v3; do
    [ -e "target/$release.wasm" ] || "$OSTLER" build "$release" --output "target/$release.wasm"
done

say "A host, and release 1"
"$OSTLER" serve -c ostler.toml > target/host.log &
started="$!"
tries=0
until curl -sf "$ADMIN/healthz" > /dev/null; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || { tail target/host.log; exit 1; }
    sleep 0.1
done
host deploy delivery target/v1.wasm
ask

say "Users arrive, and stay until the end"
: > target/answers
: > target/load
load &
started="$started $!"

say "Release 2, for 5 % of the users first. One order in twenty-five fails in it, which its tests have not seen"
# shellcheck disable=SC2086 # words
if host deploy delivery target/v2.wasm $canary --wait; then
    say "It arrived, which should not have been"
    exit 1
fi
count
host rollout status delivery
ask

say "Release 3 is release 2 without the mistake"
: > target/answers
# shellcheck disable=SC2086 # words
host deploy delivery target/v3.wasm $canary --wait
count
ask

say "Delivery becomes free, with no release at all"
host flags get free-delivery
host flags toggle free-delivery
ask
