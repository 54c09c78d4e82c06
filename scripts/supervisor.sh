# Who keeps the services alive: systemd where it is the init system, else runit's runsvdir, which needs
# none. Both run the same services/NAME/run. Sourced after lib.sh and load_config.
# shellcheck shell=bash

# A second installation on one host, such as a test's, always has a runsvdir of its own.
uses_systemd() {
	[[ -d /run/systemd/system && $(config_get SLIPWAY_INSTANCE slipway) == slipway ]]
}

# In the order they start. Nothing depends on it: each tries again until what it needs is there.
service_names() {
	[[ -n $(config_get DATABASE_URL) ]] || echo postgres
	[[ $(config_get DOCKERD_OURS) != 1 ]] || echo dockerd
	echo sandboxd
	echo api
	echo router
	echo nginx
}

is_service() { [[ $'\n'$(service_names)$'\n' == *$'\n'"$1"$'\n'* ]]; }

stop_signal() { # NAME
	cat "$RELEASE/services/$1/stop-signal" 2>/dev/null || echo TERM
}

# --- runit ---

# Not beneath /run, from which many systems let nothing be executed.
runit_dir() { printf '%s/supervise\n' "$STATE"; }

# The runsvdir we started: its number and start time, so that a reused number is not believed.
runit_pid() {
	local pid start
	read -r pid start 2>/dev/null <"$RUN/supervisor" || return 1
	[[ $(proc_stat "$pid" 22) == "$start" ]] || return 1
	printf '%s\n' "$pid"
}

runit_write_service() { # NAME
	local directory new
	directory=$(runit_dir)/$1
	# Beginning with a dot, runsvdir does not see it until it is whole.
	new=$(runit_dir)/.$1
	[[ ! -d $directory ]] || return 0
	rm -rf "$new"
	install -d "$new/log" "$new/control"
	install -m 0755 /dev/stdin "$new/run" <<-END
		#!/bin/sh
		exec "$RELEASE/services/$1/run" "$CONFIG" 2>&1
	END
	install -m 0755 /dev/stdin "$new/finish" <<-END
		#!/bin/sh
		exec "$RELEASE/services/finish" $1 "$CONFIG"
	END
	install -m 0755 /dev/stdin "$new/log/run" <<-END
		#!/bin/sh
		exec "$RELEASE/bin/slipway-logpipe" svlogd "$STATE/log/$1"
	END
	if [[ $(stop_signal "$1") != TERM ]]; then
		install -m 0755 /dev/stdin "$new/control/t" <<-END
			#!/bin/sh
			read -r pid <"$directory/supervise/pid" && kill -$(stop_signal "$1") "\$pid"
		END
	fi
	touch "$new/down"
	install -d -m 0750 "$STATE/log/$1"
	# On a full disk the oldest go, down to two.
	printf 's1000000\nn10\nN2\n' >"$STATE/log/$1/config"
	mv -T "$new" "$directory"
}

runit_remove_service() { # NAME: one that is no longer wanted
	runit_stop "$1"
	local directory
	directory=$(runit_dir)/$1
	touch "$directory/down"
	sv exit "$directory" >/dev/null || true
	mv -T "$directory" "$(runit_dir)/.removed-$1"
}

runit_supervised() { # NAME
	[[ $(sv status "$(runit_dir)/$1" 2>/dev/null) == @(run|down|finish):* ]]
}

# What a supervisor that is gone has left: services it cannot look after any more, stale files.
runit_clear() {
	local directory
	for directory in "$(runit_dir)"/*/; do
		if runit_supervised "$(basename "$directory")"; then
			sv -w 30 force-shutdown "$directory" >/dev/null || true
		fi
	done
	rm -rf "$(runit_dir)"
}

runit_begin() {
	local name directory
	runit_pid >/dev/null || runit_clear
	install -d -m 0755 "$(runit_dir)"
	for name in $(service_names); do
		runit_write_service "$name"
	done
	for directory in "$(runit_dir)"/*/; do
		name=$(basename "$directory")
		is_service "$name" || runit_remove_service "$name"
	done
	if ! runit_pid >/dev/null; then
		# Descriptors above 2 (locks) are not for it. Its own words go where a log would.
		(
			cd /
			exec </dev/null >>"$STATE/log/supervisor" 2>&1 8>&- 9>&-
			# shellcheck disable=SC2016 # for the inner shell
			exec env -i --default-signal PATH="$PATH" LANG=C.UTF-8 setsid sh -c \
				'echo "$$ $(cut -d " " -f 22 /proc/$$/stat)" >"$1"; exec runsvdir -P "$2"' \
				sh "$RUN/supervisor" "$(runit_dir)"
		) &
		wait_for 5 runit_pid >/dev/null || die "runsvdir does not start" "see $STATE/log/supervisor"
	fi
	for name in $(service_names); do
		wait_for 15 runit_supervised "$name" ||
			die "runit does not take up the service $name" "see $STATE/log/supervisor"
	done
}

runit_start() { # NAME
	local directory
	directory=$(runit_dir)/$1
	sv up "$directory" >/dev/null
	# A runsv that has to be started again starts its service too.
	rm -f "$directory/down"
}

runit_stop() { # NAME
	local directory
	directory=$(runit_dir)/$1
	[[ -d $directory ]] || return 0
	sv -w 30 force-stop "$directory" >/dev/null || true
}

runit_pid_of() { # NAME
	local pid
	runit_supervised "$1" || return 1
	read -r pid 2>/dev/null <"$(runit_dir)/$1/supervise/pid" && [[ -n $pid ]] && printf '%s\n' "$pid"
}

runit_end() {
	local pid name
	if pid=$(runit_pid); then
		kill -HUP "$pid" # TERM to every runsv: stop, then end
		wait_for 30 runit_gone "$pid" || kill -KILL "$pid"
	fi
	for name in "$(runit_dir)"/*/; do
		[[ -d $name ]] || continue
		wait_for 20 runit_runsv_gone "$name" || warn "runsv of $name does not end"
	done
	rm -rf "$RUN/supervisor" "$(runit_dir)"
}

runit_gone() { ! kill -0 "$1" 2>/dev/null; }
runit_runsv_gone() { ! runit_supervised "$(basename "$1")"; }

runit_logs() { # NAME LINES FOLLOW
	if [[ -n $3 ]]; then
		tail -n "$2" -F "$STATE/log/$1/current"
	else
		{ cat "$STATE/log/$1"/@*.s "$STATE/log/$1/current" 2>/dev/null || true; } | tail -n "$2"
	fi
}

runit_settle() { :; }

# --- systemd ---

systemd_unit() { printf 'slipway@%s.service\n' "$1"; }

systemd_begin() {
	local directory=/etc/systemd/system name signal
	cat >"$directory/slipway@.service" <<-END
		# Written by deploy.sh.
		[Unit]
		Description=Slipway: %i
		PartOf=slipway.target
		After=network.target docker.service
		StartLimitIntervalSec=0

		[Service]
		Type=exec
		ExecStart=$RELEASE/services/%i/run $CONFIG
		ExecStopPost=$RELEASE/services/finish %i $CONFIG
		Restart=always
		RestartSec=1
		KillMode=mixed
		TimeoutStopSec=30
		LimitNOFILE=65536
		TasksMax=infinity
		SyslogIdentifier=slipway-%i

		[Install]
		WantedBy=slipway.target
	END
	cat >"$directory/slipway.target" <<-END
		# Written by deploy.sh.
		[Unit]
		Description=Slipway
		Wants=$(service_names | sed 's/.*/slipway@&.service/' | paste -sd ' ')

		[Install]
		WantedBy=multi-user.target
	END
	for name in $(service_names); do
		signal=$(stop_signal "$name")
		install -d "$directory/slipway@$name.service.d"
		printf '[Service]\nKillSignal=SIG%s\n' "$signal" >"$directory/slipway@$name.service.d/stop.conf"
	done
	systemctl daemon-reload
	systemctl --quiet enable slipway.target
}

systemd_start() { systemctl start "$(systemd_unit "$1")"; }
systemd_stop() { systemctl stop "$(systemd_unit "$1")"; }

# All are up: so is the target, which is what the next boot starts.
systemd_settle() { systemctl start slipway.target; }

systemd_pid_of() {
	local pid
	pid=$(systemctl show --property MainPID --value "$(systemd_unit "$1")")
	[[ $pid != 0 ]] && printf '%s\n' "$pid"
}

systemd_end() {
	systemctl stop slipway.target
	systemctl --quiet disable slipway.target
}

systemd_logs() { # NAME LINES FOLLOW
	journalctl --no-pager --output cat --unit "$(systemd_unit "$1")" --lines "$2" ${3:+--follow}
}

# --- either ---

# Two installations in one run directory would take each other's sockets.
claim_run_dir() {
	local other=''
	[[ ! -r $RUN/state ]] || other=$(<"$RUN/state")
	if [[ -n $other && $other != "$STATE" ]] && { runit_pid >/dev/null || { uses_systemd && systemctl --quiet is-active slipway.target; }; }; then
		die "the installation in $other is using $RUN" \
			"stop it first (SLIPWAY_STATE_DIR=$other ./deploy.sh down), or give this one" \
			"SLIPWAY_RUN_DIR, SLIPWAY_INSTANCE and SLIPWAY_PORT of its own"
	fi
	printf '%s\n' "$STATE" >"$RUN/state"
}

supervisor() { # begin | start NAME | stop NAME | settle | pid_of NAME | end | logs NAME LINES FOLLOW
	local verb=$1
	shift
	if uses_systemd; then
		"systemd_$verb" "$@"
	else
		"runit_$verb" "$@"
	fi
}

# What a service was started from; when this changes it is started again.
fingerprint() { # NAME
	{
		cat "$RELEASE/services/lib.sh" "$RELEASE/services/$1/run"
		case $1 in
		postgres) cat "$STATE"/postgres/{postgresql,pg_hba,pg_ident}.conf ;;
		sandboxd)
			cat "$RELEASE/bin/slipway-sandboxd" "$RELEASE/bin/slipway-agent" "$CONFIG"
			;;
		api)
			cat "$RELEASE/bin/slipway-api" "$CONFIG"
			find "$RELEASE/prompts/" "$RELEASE/templates/" -type f -exec sha256sum {} + 2>/dev/null | sort
			;;
		router) cat "$RELEASE/bin/slipway-router" "$CONFIG" ;;
		nginx)
			find "$STATE/nginx" -name tmp -prune -o -type f -exec sha256sum {} + | sort
			# A certificate that was renewed has the same name.
			cat "$(config_get SLIPWAY_TLS_CERT /dev/null)" "$(config_get SLIPWAY_TLS_KEY /dev/null)"
			;;
		esac
	} | sha256sum
}

# Starts it, or starts it again when what it was started from has changed.
start_service() { # NAME
	local now old=''
	now=$(fingerprint "$1")
	old=$(cat "$RUN/groups/$1.from" 2>/dev/null || true)
	if supervisor pid_of "$1" >/dev/null && [[ $now != "$old" ]]; then
		supervisor stop "$1"
	fi
	supervisor start "$1"
	printf '%s\n' "$now" >"$RUN/groups/$1.from"
}
