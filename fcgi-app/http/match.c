#include "http/match.h"

#include "cleanup.h"
#include "http/uri.h"

#include <string.h>

struct slices {
	size_t n;
	struct {
		const char *at;
		size_t len;
	} s[REQUEST_PARAMS_MAX];
	bool rest; /* the last one takes all segments that are left */
};

const char *route_pool_name(enum route_pool pool)
{
	static const char *const names[POOL_COUNT] = {
		[POOL_SHORT] = "short",
		[POOL_RUN] = "run",
		[POOL_STREAM] = "stream",
		[POOL_WATCH] = "watch",
	};

	return pool < POOL_COUNT ? names[pool] : "?";
}

static bool add_slice(struct slices *ret, const char *at, size_t len)
{
	if (len == 0 || ret->n == REQUEST_PARAMS_MAX) {
		return false;
	}
	ret->s[ret->n].at = at;
	ret->s[ret->n].len = len;
	ret->n++;
	return true;
}

/* Matches segment by segment; what stands for parameters is left undecoded in *ret. */
static bool pattern_matches(const char *pattern, const char *path, size_t path_len,
			    struct slices *ret)
{
	const char *end = path + path_len;

	ret->n = 0;
	ret->rest = false;
	while (*pattern == '/' && path < end && *path == '/') {
		size_t pattern_len = strcspn(pattern + 1, "/");
		const char *slash = memchr(path + 1, '/', (size_t)(end - path - 1));
		size_t len;

		pattern++;
		path++;
		len = (size_t)((slash ? slash : end) - path);
		if (pattern[0] == '{' && pattern[pattern_len - 2] == '*') {
			ret->rest = true;
			return add_slice(ret, path, (size_t)(end - path));
		}
		if (pattern[0] == '{') {
			if (!add_slice(ret, path, len)) {
				return false;
			}
		} else if (len != pattern_len || memcmp(path, pattern, len) != 0) {
			return false;
		}
		pattern += pattern_len;
		path += len;
	}
	return *pattern == '\0' && path == end;
}

static bool method_matches(const struct route *r, const char *method)
{
	return strcmp(r->method, strcmp(method, "HEAD") == 0 ? "GET" : method) == 0;
}

/* Each segment by itself: a slash in the result is a slash in the path, not an escaped one. */
static int decode_segments(const char *at, size_t len, char *buf, size_t cap, struct err *e)
{
	const char *end = at + len;
	size_t used = 0;

	for (;;) {
		const char *slash = memchr(at, '/', (size_t)(end - at));
		size_t piece = (size_t)((slash ? slash : end) - at);

		if (uri_decode(URI_SEGMENT, at, piece, buf + used, cap - used, e) < 0) {
			return -1;
		}
		if (!slash) {
			return 0;
		}
		used += strlen(buf + used);
		buf[used++] = '/';
		at = slash + 1;
	}
}

static int decode_params(const struct slices *slices, size_t path_len, struct route_match *ret,
			 struct err *e)
{
	/* Decoding never makes longer; each parameter needs a NUL. */
	size_t cap = path_len + REQUEST_PARAMS_MAX + 1;
	auto_free char *buf = malloc(cap);
	size_t used = 0;

	if (!buf) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	for (size_t i = 0; i < slices->n; i++) {
		if (decode_segments(slices->s[i].at, slices->s[i].len, buf + used, cap - used, e) <
		    0) {
			return -1;
		}
		ret->params[i] = buf + used;
		used += strlen(buf + used) + 1;
	}
	ret->buf = steal_ptr(buf);
	return 0;
}

static void allow_method(struct strbuf *allow, const char *method)
{
	if (strstr(allow->data, method)) {
		return;
	}
	strbuf_addf(allow, "%s%s", allow->len ? ", " : "", method);
	if (strcmp(method, "GET") == 0) {
		strbuf_adds(allow, ", HEAD");
	}
}

int route_match(const struct route *table, size_t n_routes, const char *method, const char *path,
		size_t path_len, struct route_match *ret, struct strbuf *ret_allow, struct err *e)
{
	*ret = (struct route_match){0};
	for (size_t i = 0; i < n_routes; i++) {
		struct slices slices;

		if (!pattern_matches(table[i].pattern, path, path_len, &slices)) {
			continue;
		}
		if (!method_matches(&table[i], method)) {
			allow_method(ret_allow, table[i].method);
			continue;
		}
		if (decode_params(&slices, path_len, ret, e) < 0) {
			return -1;
		}
		ret->route = &table[i];
		return 0;
	}
	if (ret_allow->len > 0) {
		return 1;
	}
	return err_set(e, ERR_NOT_FOUND, "there is nothing at this address");
}
