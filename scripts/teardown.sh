# Stopping an installation so that nothing of it runs, is mounted or is attached any more. What is on
# disk stays: the next `up` finds it. Sourced by scripts/instance.
# shellcheck shell=bash

broker() { # METHOD PATH
	curl --silent --max-time 60 --request "$1" --unix-socket "$RUN/broker/sandboxd.sock" "http://sandboxd$2"
}

# Asks sandboxd, which does it in order (sync, unmount); what is left after that is cleared by force.
stop_sandboxes() {
	local id
	broker GET /v1/sandboxes 2>/dev/null |
		jq -r '.items[]? | select(.state != "stopped") | .id' 2>/dev/null |
		while read -r id; do
			broker POST "/v1/sandboxes/$id/stop" >/dev/null || true
		done || true
}

remove_containers() {
	docker_answers || return 0
	local filter id
	filter=$(jq -rn --arg one "slipway.instance=$(config_get SLIPWAY_INSTANCE slipway)" \
		'{"label": [$one]} | tojson | @uri')
	docker_api GET "/containers/json?all=true&filters=$filter" | jq -r '.[].Id' |
		while read -r id; do
			docker_api DELETE "/containers/$id?force=true" >/dev/null || true
		done
}

# The apps' network and its firewall rules; without Docker at least the rules.
remove_network() {
	[[ -x $RELEASE/bin/slipway-sandboxd ]] || return 0
	clean "$RELEASE/bin/slipway-sandboxd" --config "$CONFIG" --remove-network >/dev/null 2>&1 ||
		! docker_answers || warn "the apps' network is not removed"
}

# Deepest first.
mounts_beneath() {
	awk -v under="$1/" 'index($5, under) == 1 { print $5 }' /proc/self/mountinfo | sort -r
}

release_mounts() {
	local path device
	mounts_beneath "$RUN" | while read -r path; do
		umount "$path" 2>/dev/null || umount --lazy "$path" || warn "cannot unmount $path"
	done
	# A path alone may be another mount namespace's; the inode says whether it is our file.
	losetup --list --noheadings --raw --output NAME,BACK-INO,BACK-FILE |
		while read -r device inode file; do
			if [[ $file == "$(realpath "$STATE")"/@(disks|trees)/* && $(stat -c %i "$file" 2>/dev/null) == "$inode" ]]; then
				losetup --detach "$device" || warn "cannot detach $device"
			fi
		done
}

dockerd_flag() { # NAME DEFAULT
	local flags
	flags=" $(config_get DOCKERD_FLAGS | tr '=' ' ') "
	if [[ $flags == *" --$1 "* ]]; then
		flags=${flags#*" --$1 "}
		printf '%s\n' "${flags%% *}"
	else
		printf '%s\n' "$2"
	fi
}

# Whether the directory itself is what is mounted there, as dockerd does; anything else is the operator's.
is_bound_to_itself() { # DIRECTORY
	awk -v dir="$1" '
		{ device[$1] = $3; root[$1] = $4; at[$1] = $5 }
		$5 == dir { top = $1; below = $2 }
		END {
			path = (root[below] == "/" ? "" : root[below]) substr(dir, at[below] == "/" ? 1 : length(at[below]) + 1)
			exit !(top && device[top] == device[below] && root[top] == path)
		}' /proc/self/mountinfo
}

# A dockerd that keeps containers over its restarts keeps its own mounts as well. They stay for as
# long as somebody else's container uses them: then unmounting fails, and that is right.
release_docker_mounts() {
	[[ $(config_get DOCKERD_OURS) == 1 ]] || return 0
	local path data
	data=$(realpath "$(dockerd_flag data-root /var/lib/docker)")
	mounts_beneath "$(realpath -m "$(dockerd_flag exec-root /run/docker)")/netns" | while read -r path; do
		umount "$path" 2>/dev/null || true
	done
	if is_bound_to_itself "$data"; then
		umount "$data" 2>/dev/null || true
	fi
}

teardown() {
	step "Stopping"
	local name
	for name in nginx router api; do
		supervisor stop "$name"
	done
	stop_sandboxes
	supervisor stop sandboxd
	remove_containers
	remove_network
	release_mounts
	supervisor stop dockerd
	release_docker_mounts
	supervisor stop postgres
	supervisor end
	for name in "$RUN"/groups/*; do
		name=${name##*/}
		[[ $name == *.from || $name == '*' ]] || clear_group "$name"
	done
	rm -rf --one-file-system "$RUN"
	say "stopped; what it knows is in $STATE"
}
