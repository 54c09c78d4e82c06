# What the scripts share: words for the user, waiting with a deadline, the configuration file.
# Sourced by bash; the caller sets `set -euo pipefail`.
# shellcheck shell=bash

SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=services/lib.sh
. "$SOURCE/services/lib.sh"

if [[ -t 1 && -z ${NO_COLOR-} ]]; then
	bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' plain=$'\e[0m'
else
	bold='' dim='' red='' plain=''
fi

step() { printf '%s==>%s %s\n' "$bold" "$plain" "$*"; }
say() { printf '    %s\n' "$*"; }
warn() { printf '    note: %s\n' "$*" >&2; }
die() { # WHAT [WHAT TO DO]…
	printf '%serror:%s %s\n' "$red" "$plain" "$1" >&2
	shift
	local line
	for line in "$@"; do
		printf '       %s\n' "$line" >&2
	done
	exit $SAID
}

# A command that fails where nobody expected it is named. $SAID is the status of a script that has told
# the user already what is wrong.
SAID=64
unexpected() { # STATUS LINE
	[[ $1 == "$SAID" ]] || printf '%serror:%s %s %s failed (status %s)\n' "$red" "$plain" "${0##*/}:" "$2" "$1" >&2
}
set -o errtrace
trap 'unexpected $? "${BASH_SOURCE[0]##*/}:$LINENO"' ERR

have() { command -v "$1" >/dev/null 2>&1; }

# Polls COMMAND until it succeeds. 1 when the deadline passes.
wait_for() { # SECONDS COMMAND…
	local deadline=$((SECONDS + $1))
	shift
	until "$@"; do
		((SECONDS < deadline)) || return 1
		sleep 0.1
	done
}

# Passes its input on, each line indented and dim.
indent() { sed -u "s/^/    $dim/; s/\$/$plain/"; }

# Runs a program of ours: its settings come from the configuration file, not from this shell. Not by
# env(1): everybody on the machine can read arguments, and a variable may hold a password.
clean() ( # [NAME=VALUE…] COMMAND…
	path=$PATH term=${TERM:-dumb}
	for name in $(compgen -e); do
		unset "$name"
	done
	export PATH=$path LANG=C.UTF-8 HOME=/root TERM=$term
	while [[ $1 =~ ^[A-Z_]+= ]]; do
		export "${1?}"
		shift
	done
	exec "$@"
)

# Sets a key in the configuration file, in place of its old line or at the end.
config_set() { # KEY VALUE
	local line found='' temporary=$CONFIG.new
	[[ $2 != *$'\n'* ]] || die "$1 must be one line"
	install -m 0640 -o root -g slipway-api /dev/null "$temporary"
	while IFS= read -r line || [[ -n $line ]]; do
		if [[ $line =~ ^[[:space:]]*$1[[:space:]]*= ]]; then
			[[ -z $found ]] || continue
			found=1
			line=$1=$2
		fi
		printf '%s\n' "$line"
	done <"$CONFIG" >>"$temporary"
	[[ -n $found ]] || printf '%s=%s\n' "$1" "$2" >>"$temporary"
	mv -f "$temporary" "$CONFIG"
	CONFIG_VALUES[$1]=$2
}

# Where the API answers, as somebody on this machine reaches it.
public_address() {
	local scheme=http host
	[[ -z $(config_get SLIPWAY_TLS_CERT) ]] || scheme=https
	host=$(config_get SLIPWAY_BIND 127.0.0.1)
	case $host in
	0.0.0.0 | '*' | ::) host=127.0.0.1 ;;
	*:*) host=[$host] ;;
	esac
	printf '%s://%s:%s\n' "$scheme" "$host" "$(config_get SLIPWAY_PORT 8080)"
}

# Our answer from the inside, whatever the public address and TLS are.
local_get() { # PATH [CURL OPTIONS…]
	local path=$1
	shift
	curl --silent --show-error --max-time 5 --unix-socket "$RUN/nginx/local.sock" "$@" "http://localhost$path"
}

# The Docker Engine API, for which no docker command need be installed.
docker_api() { # METHOD PATH [CURL OPTIONS…]
	local method=$1 path=$2
	shift 2
	curl --silent --show-error --max-time 60 --request "$method" \
		--unix-socket "$(config_get SLIPWAY_DOCKER_SOCKET /var/run/docker.sock)" "$@" "http://docker$path"
}

docker_answers() { docker_api GET /_ping --max-time 5 --fail >/dev/null 2>&1; }
