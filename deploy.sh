#!/bin/bash
# Sets Slipway up on this machine and keeps it running: ./deploy.sh as root, no arguments. Running it
# again upgrades what changed and loses nothing. `./deploy.sh help` says the rest.
set -euo pipefail
cd "$(dirname "$0")"
. scripts/lib.sh

usage() {
	cat <<-END
		./deploy.sh                   install, build and start everything; repeat it to upgrade
		./deploy.sh down              stop everything; what is on disk stays
		./deploy.sh status            what runs, and what /readyz says
		./deploy.sh logs [-f] [-n LINES] [SERVICE]
		./deploy.sh restart SERVICE   postgres, dockerd, sandboxd, api, router or nginx

		Settings are taken from the environment into var/slipway.env (all of them: docs/CONFIG.md):
		  SLIPWAY_PORT=8081 ./deploy.sh
		  OPENAI_API_KEY=sk-… ./deploy.sh
		  SLIPWAY_PUBLIC_URL=https://build.example.com SLIPWAY_TLS_CERT=… SLIPWAY_TLS_KEY=… ./deploy.sh
	END
}

# Service accounts must be able to walk to the state directory. 1 names the first that they cannot.
reachable() { # DIRECTORY
	local path=$1
	while [[ $path != / ]]; do
		[[ $(stat -c %A "$path") == *x ]] || return 1
		path=$(dirname "$path")
	done
}

# var/ in the clone; where service accounts cannot reach that, a link there to /var/lib/slipway.
choose_state() {
	local outside=/var/lib/slipway
	if [[ -n ${SLIPWAY_STATE_DIR-} ]]; then
		state=$SLIPWAY_STATE_DIR
	elif [[ -e var ]]; then
		state=$(realpath var)
	elif [[ ! -e $outside/slipway.env ]] && reachable "$PWD"; then
		state=$PWD/var
	else
		state=$outside
	fi
	export SLIPWAY_STATE_DIR=$state
}

link_state() {
	if [[ ! -e var && $state != "$PWD/var" ]]; then
		ln -s "$state" var
		say "var is a link to $state"
	fi
}

check_machine() {
	[[ $(uname -s) == Linux ]] || die "Slipway runs on Linux"
	[[ $(id -u) == 0 ]] || die "deploy.sh needs root: it makes accounts, mounts disks and starts services" \
		"run: sudo ./deploy.sh"
	local available
	available=$(df --output=avail -k . | tail -n 1)
	((available > 3 * 1024 * 1024)) || warn "less than 3 GiB of disk are free here; the images need about 1.5"
}

build() {
	make --no-print-directory --jobs "$(nproc)" all editor 2>&1 | indent ||
		die "the build failed" "its message is above; report it with the output of: make V=1"
}

# A run of one line, to see the whole chain answer. One that has much to do may say so.
prove_it_runs() {
	local answer
	answer=$(api_post execute '{"code":"console.log(1+1)"}' --max-time 60) || true
	case $(jq -r '.status // empty' <<<"$answer" 2>/dev/null) in
	429 | 503)
		warn "everything is up, and busy: $(jq -r .detail <<<"$answer")"
		return
		;;
	esac
	[[ $(jq -r .output <<<"$answer" 2>/dev/null) == 2 ]] ||
		die "everything is up, but console.log(1+1) did not answer 2: $answer" "./deploy.sh logs"
	say "console.log(1+1) answers 2 in $(jq -r .duration_ms <<<"$answer") ms"
}

# What one needs first comes first.
summary() {
	local url port public shown=$state
	[[ ! var -ef $state ]] || shown=var
	port=$(config_get SLIPWAY_PORT 8080)
	public=$(config_get SLIPWAY_PUBLIC_URL)
	url=${public:-http://localhost:$port}
	step "Slipway is running. Open this in a browser: $bold$url$plain"
	if [[ -z $public ]]; then
		say "from elsewhere:  it listens on this machine only. On yours, first:"
		say "                 ssh -L $port:localhost:$port root@$(hostname -f 2>/dev/null || hostname)"
	else
		say "DNS records:     $(host_of "$url") and *.$(config_get SLIPWAY_PREVIEW_DOMAIN preview.localhost), both to this machine"
	fi
	if [[ -s $state/admin-password ]]; then
		say "sign in as:      owner@localhost"
		say "password:        cat $shown/admin-password"
	else
		say "sign in:         with your account"
	fi
	[[ -z $link ]] || say "live preview:    $link"
	if [[ -z $(config_get OPENAI_API_KEY)$(config_get OPENAI_BASE_URL) ]]; then
		say "model:           none yet, templates answer. To set one: OPENAI_API_KEY=… ./deploy.sh"
	fi
	say "settings:        $shown/slipway.env, then ./deploy.sh again"
	say "look after it:   ./deploy.sh status | logs | down"
	say "for programs:    the API, with the key in $shown/api-key:"
	printf '%s\n' "curl -H \"Authorization: Bearer \$(cat $shown/api-key)\" -H 'Content-Type: application/json' \\" \
		"     -d '{\"code\":\"console.log(1+1)\"}' $url/api/v1/execute" | indent
}

host_of() {
	local host=${1#*://}
	printf '%s\n' "${host%%[:/]*}"
}

deploy() {
	check_machine
	step "Packages"
	scripts/packages run build
	step "Building"
	build
	choose_state
	step "Installing into $state"
	scripts/instance prepare
	link_state
	scripts/instance up
	load_config "$state/slipway.env"
	. scripts/api-call.sh
	if [[ ! -s $demo_file ]]; then
		step "The main job, once"
		scripts/demo "$CONFIG" 'Create a simple express server'
	else
		prove_it_runs
	fi
	link=$(scripts/preview-link "$CONFIG")
	summary
}

installed() {
	choose_state
	[[ -e $state/slipway.env ]] || die "nothing is installed here (no $state/slipway.env)" "install it: ./deploy.sh"
}

case ${1-} in
'') deploy ;;
down | status | logs | restart)
	[[ $(id -u) == 0 ]] || die "this needs root" "run: sudo ./deploy.sh $*"
	installed
	exec scripts/instance "$@"
	;;
help | -h | --help) usage ;;
*)
	usage >&2
	exit 2
	;;
esac
