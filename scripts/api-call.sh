# Calls of the API with the installation's own key. Sourced after load_config.
# shellcheck shell=bash

# The project of scripts/demo, and the link that scripts/preview-link made for it.
# shellcheck disable=SC2034 # for those who source this
demo_file=$STATE/demo-project link_file=$STATE/preview-link

# The key goes by standard input: arguments are visible to everybody on the machine.
api_call() { # PATH [CURL OPTIONS…]
	local path=$1
	shift
	curl --silent --show-error --insecure --header @- --header 'Content-Type: application/json' "$@" \
		"$(public_address)/api/v1/$path" <<<"Authorization: Bearer $(<"$STATE/api-key")"
}

api_post() { # PATH JSON [CURL OPTIONS…]
	local path=$1 json=$2
	shift 2
	api_call "$path" --data "$json" "$@"
}
