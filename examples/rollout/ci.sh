#!/bin/sh
# From a source folder to all users, for any CI: build, test, check, sign, deploy as a canary, and wait for what becomes of it.
#
# Exit code 0: the release has arrived. Anything else: it has not, as far as this script knows. The release before it serves if the host
# refused or withdrew the new one, or if this script was ended (INT or TERM: it gives the release up). If the host could not be
# reached, or the script was killed, the canary goes on without it, and may still arrive: `ostler rollout status PLUGIN` tells.
#
# A canary that gets too few requests holds, for as long as they are too few. Nothing else can be deployed meanwhile (409), so let
# the CI end the script after a while, or say less in ROLLOUT.
#
#   PLUGIN=delivery SOURCE=v3 ADMIN=https://host.example.com:9080 TOKEN_FILE=/run/secrets/token ./ci.sh
#
# PLUGIN      name of the plugin
# SOURCE      its source folder (.)
# ADMIN       the host's admin API (http://127.0.0.1:9080)
# TOKEN_FILE  file with its token (admin.token)
# TEST        command that tests the source, run in its folder; none without it
# CONFIG      a configuration of the host that is checked first; none without it
# KEY         file with the secret key that signs (`ostler keys generate-signing`); unsigned without it
# PASSPHRASE  file with that key's passphrase; it is for keys without one otherwise
# REQUESTS    requests that the host tries the release with before any user meets it (requests.toml, if it is there)
# ROLLOUT     how it takes over (--strategy canary --steps 5,25,100 --interval 1m --min-requests 100)
# OUT         folder for what is built (target)
# OSTLER      the binary (ostler)
set -eu
: "${PLUGIN:?names no plugin}"
: "${SOURCE:=.}" "${ADMIN:=http://127.0.0.1:9080}" "${TOKEN_FILE:=admin.token}" "${OUT:=target}" "${OSTLER:=ostler}"
: "${TEST:=}" "${CONFIG:=}" "${KEY:=}" "${PASSPHRASE:=}" "${REQUESTS:=requests.toml}"
: "${ROLLOUT:=--strategy canary --steps 5,25,100 --interval 1m --min-requests 100}"
release="$OUT/$PLUGIN.wasm"

step() { printf '== %s\n' "$*"; }

step "build $SOURCE"
mkdir -p "$OUT"
"$OSTLER" build "$SOURCE" --output "$release"

if [ -n "$TEST" ]; then
    step "test: $TEST"
    (cd "$SOURCE" && sh -c "$TEST")
fi

if [ -n "$CONFIG" ]; then
    step "check $CONFIG"
    "$OSTLER" check -c "$CONFIG"
fi

# The signature goes along by itself, since it lies beside the component. That of an earlier run would not fit.
rm -f "$release.minisig"
if [ -n "$KEY" ]; then
    step "sign"
    set -- --key "$KEY"
    [ -z "$PASSPHRASE" ] || set -- "$@" --passphrase-file "$PASSPHRASE"
    "$OSTLER" keys sign "$release" --plugin "$PLUGIN" "$@"
fi

set --
[ ! -e "$REQUESTS" ] || set -- --requests "$REQUESTS"

# What nobody waits for any more is not to go on by itself. The deployment runs beside this script so that a signal is heard at once.
give_up() {
    trap - INT TERM
    kill "$deploying" 2> /dev/null || true
    "$OSTLER" rollout abort "$PLUGIN" --why "the CI ended before the release had arrived" \
        --admin "$ADMIN" --token-file "$TOKEN_FILE" || true
    exit 1
}

step "deploy $PLUGIN to $ADMIN"
# shellcheck disable=SC2086 # ROLLOUT is words
"$OSTLER" deploy "$PLUGIN" "$release" "$@" $ROLLOUT --wait --admin "$ADMIN" --token-file "$TOKEN_FILE" &
deploying="$!"
trap give_up INT TERM
wait "$deploying"
