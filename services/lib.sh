# Common to the service scripts and to scripts/: the configuration file, the run directory, and what
# is left of a service that died. Sourced by bash; the caller sets `set -euo pipefail`.
# shellcheck shell=bash

# The configuration file as an array, read like the programs and systemd read it: the last line of a
# key wins, white space around it and quotes around a whole value go.
declare -A CONFIG_VALUES=()

read_config() { # FILE
	local line key value
	CONFIG_VALUES=()
	while IFS= read -r line || [[ -n $line ]]; do
		[[ $line =~ ^[[:space:]]*([A-Za-z_][A-Za-z0-9_]*)[[:space:]]*=[[:space:]]*(.*)$ ]] || continue
		key=${BASH_REMATCH[1]} value=${BASH_REMATCH[2]}
		value=${value%"${value##*[![:space:]]}"}
		if [[ $value =~ ^\"(.*)\"$ || $value =~ ^\'(.*)\'$ ]]; then
			value=${BASH_REMATCH[1]}
		fi
		CONFIG_VALUES[$key]=$value
	done <"$1"
}

config_get() { # KEY [DEFAULT]: the default also for an empty value
	printf '%s\n' "${CONFIG_VALUES[$1]:-${2-}}"
}

# Reads what every script needs to know of an installation.
load_config() { # FILE
	CONFIG=$1
	[[ -r $CONFIG ]] || {
		echo "cannot read the configuration $CONFIG: run ./deploy.sh first" >&2
		return 1
	}
	read_config "$CONFIG"
	STATE=$(config_get SLIPWAY_STATE_DIR /var/lib/slipway)
	RUN=$(config_get SLIPWAY_RUN_DIR /run/slipway)
	# shellcheck disable=SC2034 # for those who source this
	RELEASE=$STATE/release
}

# /run is empty after a reboot, and any service may be the first: each makes all of it.
# One group per edge (docs/ARCHITECTURE.md); the setgid bit gives sockets the group of their directory.
make_run_dirs() {
	install -d -m 0755 "$RUN"
	install -d -m 2750 -o slipway-api -g slipway-fcgi "$RUN/fcgi"
	install -d -m 2750 -o root -g slipway-broker "$RUN/broker"
	install -d -m 2750 -o slipway-db -g slipway-pg "$RUN/postgres"
	install -d -m 0710 -o root -g slipway-agents "$RUN/sandboxes"
	install -d -m 2750 -o slipway-router -g slipway-routers "$RUN/router"
	install -d -m 0700 -o root -g root "$RUN/disks" "$RUN/modules" "$RUN/trees" "$RUN/nginx" "$RUN/groups"
}

# The package cache listens on the address of a bridge that sandboxd makes, and nginx starts without
# waiting for sandboxd. The setting lets programs bind addresses this host does not have (yet); it lets
# nobody receive what is not sent to this host.
allow_early_bind() {
	local file=/proc/sys/net/ipv4/ip_nonlocal_bind
	[[ $(<"$file") == 1 ]] || echo 1 >"$file"
}

# Field of /proc/PID/stat counted from 1, as proc(5) does. The command name may hold anything, so
# everything up to its closing parenthesis goes first.
proc_stat() { # PID FIELD
	local stat
	{ stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 1
	stat=${stat##*) }
	# shellcheck disable=SC2086 # the fields are to be split
	set -- "$2" $stat
	shift $(($1 - 2))
	printf '%s\n' "$1"
}

# Live processes of a process group; zombies wait for their parent only and hold nothing.
group_members() { # PGID
	ps -e -o pgid=,pid=,stat= | awk -v g="$1" '$1 == g && $3 !~ /^Z/ { print $2 }'
}

# Kills what a dead service left in its process group: a killed nginx master leaves workers on the
# port, and the next master could not bind. The number may belong to somebody else by now: then a
# process with that number exists and started at another time than we wrote down.
clear_group() { # SERVICE
	local file=$RUN/groups/$1 pgid start now
	[[ -r $file ]] || return 0
	read -r pgid start <"$file" || return 0
	now=$(proc_stat "$pgid" 22 || true)
	if [[ -n $now && $now != "$start" ]]; then
		rm -f "$file"
		return 0
	fi
	local deadline=$((SECONDS + 10))
	while [[ -n $(group_members "$pgid") ]]; do
		kill -KILL -- "-$pgid" 2>/dev/null || true
		if ((SECONDS >= deadline)); then
			echo "process group $pgid of the old $1 does not die" >&2
			return 1
		fi
		sleep 0.05
	done
	rm -f "$file"
}

# First lines of every run script: the service becomes the leader of a session of its own, whose
# number is written down for clear_group.
service_begin() { # SERVICE CONFIG
	if [[ $(proc_stat $$ 5) != "$$" ]]; then
		exec setsid "$0" "$2"
	fi
	load_config "$2"
	make_run_dirs
	clear_group "$1"
	printf '%s %s\n' "$$" "$(proc_stat $$ 22)" >"$RUN/groups/$1"
	# A journal socket cannot be opened through /dev/stdout, which nginx does; a pipe can.
	if [[ -S /dev/stdout ]]; then
		exec > >(exec cat) 2>&1
	fi
	ulimit -S -n 65536 2>/dev/null || ulimit -S -n "$(ulimit -H -n)"
	cd /
}

# Last line of a run script: a clean environment, signals that mean what they should (a shell ignores
# some for what it starts in the background), and for the unprivileged no way back.
exec_as() { # ACCOUNT COMMAND…
	local account=$1
	shift
	exec env -i --default-signal PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
		setpriv --reuid="$account" --regid="$account" --init-groups --no-new-privs \
		--inh-caps=-all --bounding-set=-all "$@"
}

exec_as_root() { # COMMAND…
	exec env -i --default-signal PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "$@"
}

# Directory of PostgreSQL's programs: the version the cluster was made with, else the newest.
postgres_bin() {
	local version
	if [[ -r $STATE/postgres/PG_VERSION ]]; then
		version=$(<"$STATE/postgres/PG_VERSION")
	else
		version=$(find /usr/lib/postgresql -mindepth 1 -maxdepth 1 -printf "%f\n" 2>/dev/null | sort -n | tail -n 1)
	fi
	if [[ ! -x /usr/lib/postgresql/$version/bin/postgres ]]; then
		echo "PostgreSQL ${version:-15} is not installed, and $STATE/postgres needs it:" \
			"apt-get install postgresql-${version:-15}" >&2
		return 1
	fi
	printf '/usr/lib/postgresql/%s/bin\n' "$version"
}
