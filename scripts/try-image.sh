#!/usr/bin/env bash
# Runs an image as README.md does, in front of the simulator, and expects a session: 200, and exit code 0 at the end.
# usage: scripts/try-image.sh IMAGE      DOCKER="podman" takes another program
set -euo pipefail
cd "$(dirname "$0")/.."
image=$1
read -ra docker <<<"${DOCKER:-docker}"
folder=$(mktemp -d)
name=mx-session-bff-try-$$
simulator=
trap '[ -z "$simulator" ] || kill "$simulator"; "${docker[@]}" rm --force "$name" >/dev/null 2>&1 || :; rm -rf "$folder"' EXIT

node_modules/.bin/node packages/simulator/bin/mx-simulator.cjs >"$folder/simulator" &
simulator=$!
until grep -q "A token of" "$folder/simulator"; do kill -0 "$simulator"; sleep 0.1; done

cat >"$folder/env" <<EOT
AUTH_ISSUER=http://127.0.0.1:4103
AUTH_AUDIENCE=mx-session-bff
MX_PLATFORM_BASE_URL=http://127.0.0.1:4100
MX_PLATFORM_CLIENT_ID=demo-client
MX_PLATFORM_API_KEY=demo-api-key
DRAIN_DELAY=1s
EOT
# The host's network in place of published ports: plain http is allowed on loopback alone.
hardening=(--network host --env-file "$folder/env" --read-only --cap-drop ALL --security-opt no-new-privileges --memory 256m)
"${docker[@]}" run --rm "${hardening[@]}" "$image" --check
"${docker[@]}" run --detach --name "$name" "${hardening[@]}" "$image" >/dev/null
ready() { curl --silent --fail --output "$folder/ready" http://127.0.0.1:9090/readyz; }
for _ in $(seq 120); do ready && break; sleep 0.5; done
ready

token=$(curl --silent --fail http://127.0.0.1:4103/token -H 'Content-Type: application/json' -d '{"user":"ada"}' | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
status=$(curl --silent --output "$folder/answer" --write-out '%{http_code}' -X POST http://127.0.0.1:3000/session -H "Authorization: Bearer $token")
[ "$status" = 200 ] || { echo "POST /session was answered with $status"; exit 1; }
"${docker[@]}" stop --time 20 "$name" >/dev/null
code=$("${docker[@]}" inspect --format '{{.State.ExitCode}}' "$name")
[ "$code" = 0 ] || { echo "the container ended with $code"; exit 1; }
echo "$image opens a session and ends with 0"
