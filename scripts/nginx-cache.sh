# What nginx/cache.conf.in wants to know: the registry behind the package cache, how to find it, and
# which addresses in its answers lead back to it. Sourced by scripts/nginx-config.
# shellcheck shell=bash

# The first address of SLIPWAY_APP_SUBNET.
app_gateway() {
	local subnet=$1 a b c d bits address
	[[ $subnet =~ ^([0-9]+)\.([0-9]+)\.([0-9]+)\.([0-9]+)/([0-9]+)$ ]] ||
		die "SLIPWAY_APP_SUBNET is '$subnet'" "it wants the form 10.213.0.0/20"
	a=${BASH_REMATCH[1]} b=${BASH_REMATCH[2]} c=${BASH_REMATCH[3]} d=${BASH_REMATCH[4]} bits=${BASH_REMATCH[5]}
	((a < 256 && b < 256 && c < 256 && d < 256 && bits >= 8 && bits <= 29)) ||
		die "SLIPWAY_APP_SUBNET is '$subnet'" "it wants an IPv4 network between /8 and /29"
	address=$((((a << 24 | b << 16 | c << 8 | d) & (0xffffffff << (32 - bits))) + 1))
	printf '%d.%d.%d.%d\n' $((address >> 24 & 255)) $((address >> 16 & 255)) $((address >> 8 & 255)) $((address & 255))
}

# Where the sandboxes reach it.
cache_address() {
	local gateway
	gateway=$(app_gateway "$(config_get SLIPWAY_APP_SUBNET 10.213.0.0/20)")
	printf '%s:%s\n' "$gateway" "$(config_get SLIPWAY_CACHE_PORT 4873)"
}

# The setting, else what npm of this host uses. Without a slash at its end.
npm_registry() {
	local url
	url=$(config_get SLIPWAY_NPM_REGISTRY)
	if [[ -z $url ]] && have npm; then
		url=$(cd / && clean npm config get registry 2>/dev/null | tail -n 1)
	fi
	url=${url%%[[:space:]]*}
	# What stands here goes into nginx's configuration.
	[[ $url =~ ^https?://[A-Za-z0-9._-]+(:[0-9]+)?(/[A-Za-z0-9._~/-]*)?$ ]] ||
		die "there is no usable npm registry: '$url'" "set SLIPWAY_NPM_REGISTRY to its URL, or npm's: npm config set registry URL"
	while [[ $url == */ ]]; do
		url=${url%/}
	done
	printf '%s\n' "$url"
}

host_of() { # URL: with the port, when it has one
	local rest=${1#*://}
	printf '%s\n' "${rest%%/*}"
}

# The URL as nginx connects to it. A host that the hosts file knows is put in as its address, because
# nginx's resolver asks name servers only.
reachable() { # URL
	local url=$1 host name address
	host=$(host_of "$url")
	name=${host%%:*}
	address=$(getent -s files ahostsv4 "$name" 2>/dev/null | awk 'NR == 1 { print $1 }') || true
	if [[ -n $address ]]; then
		url=${url/"://$host"/"://$address${host#"$name"}"}
	fi
	printf '%s\n' "$url"
}

# The name servers of this host. Addresses of a family it has no way out for would only cost time.
resolver_line() {
	local servers flags=''
	servers=$(awk '$1 == "nameserver" && $2 !~ /%/ { print ($2 ~ /:/ ? "[" $2 "]" : $2) }' /etc/resolv.conf 2>/dev/null |
		paste -sd ' ') || true
	[[ -n $(ip -6 route show default 2>/dev/null) ]] || flags=' ipv6=off'
	printf 'resolver %s valid=60s%s;\n' "${servers:-127.0.0.1}" "$flags"
}

# Some registries keep their tarballs at an address of their own: what lies before "<package>/-/" in
# what this one says about a package. Asked once for each registry; when it does not answer, its own.
tarballs_url() { # REGISTRY
	local registry=$1 known=$STATE/nginx/tarballs name=semver tarball
	if [[ -r $known && $(sed -n 1p "$known") == "$registry" ]]; then
		sed -n 2p "$known"
		return
	fi
	tarball=$(curl --silent --fail --location --max-time 10 --max-filesize 16777216 \
		--header 'Accept: application/vnd.npm.install-v1+json' "$registry/$name" 2>/dev/null |
		jq -r '[.versions[].dist.tarball][-1] // ""' 2>/dev/null) || true
	if [[ $tarball =~ ^(https?://[A-Za-z0-9._-]+(:[0-9]+)?(/[A-Za-z0-9._~/-]*)?)/$name/-/ ]]; then
		printf '%s\n' "$registry" "${BASH_REMATCH[1]}" >"$known"
		printf '%s\n' "${BASH_REMATCH[1]}"
	else
		warn "the package registry $registry does not answer now; the package cache asks it again when it is needed"
		printf '%s\n' "$registry"
	fi
}

# Addresses that become the cache's own, longest first: of two that match at one place nginx takes any.
rewrites() { # CACHE URL…
	local cache=$1 url
	shift
	for url in "$@"; do
		printf '%s\n' "https://${url#*://}" "http://${url#*://}"
	done | sort -u | while read -r url; do
		printf "sub_filter '%s/' 'http://%s/';\n" "$url" "$cache"
	done
	printf 'sub_filter_types *;\nsub_filter_once off;\n'
}

fill_cache() {
	local subnet cache registry tarballs host resolver
	subnet=$(config_get SLIPWAY_APP_SUBNET 10.213.0.0/20)
	cache=$(cache_address)
	registry=$(npm_registry)
	tarballs=$(tarballs_url "$registry")
	resolver=$(resolver_line)
	rewrites "$cache" "$registry" "$tarballs" >"$STATE/nginx/cache-rewrites.conf"
	host=$(host_of "$registry")
	sed -e "s|@STATE@|$STATE|g" -e "s|@RUN@|$RUN|g" \
		-e "s|@APP_SUBNET@|$subnet|g" -e "s|@CACHE_ADDRESS@|$cache|g" \
		-e "s|@CACHE_MB@|$(config_get SLIPWAY_CACHE_MB 10240)|g" \
		-e "s|@RESOLVER@|$resolver|g" \
		-e "s|@REGISTRY@|$registry|g" -e "s|@REGISTRY_HOST@|$host|g" -e "s|@REGISTRY_NAME@|${host%%:*}|g" \
		-e "s|@REGISTRY_URL@|$(reachable "$registry")|g" \
		-e "s|@TARBALLS_HOST@|$(host_of "$tarballs")|g" -e "s|@TARBALLS_NAME@|$(host_of "$tarballs" | cut -d : -f 1)|g" \
		-e "s|@TARBALLS_URL@|$(reachable "$tarballs")|g" \
		"$RELEASE/nginx/cache.conf.in" >"$STATE/nginx/cache.conf.new"
	mv -f "$STATE/nginx/cache.conf.new" "$STATE/nginx/cache.conf"
	install -d -m 0755 "$STATE/cache"
	install -d -m 0700 -o slipway-web -g slipway-web "$STATE/cache/npm"
}
