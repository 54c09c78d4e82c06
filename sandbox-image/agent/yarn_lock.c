#include "yarn_lock.h"

#include "cleanup.h"
#include "fs.h"

#include <string.h>

#define FIELD "  resolved \""

/*
 * Of `http://host/prefix/@scope/name/-/name-1.0.0.tgz#…` the length of what comes before the
 * package's name, with its slash; 0 when it is no such address.
 */
static size_t origin_len(const char *url, size_t len)
{
	const char *dash, *host, *slash, *scope;

	if (strncmp(url, "http://", 7) == 0) {
		host = url + 7;
	} else if (strncmp(url, "https://", 8) == 0) {
		host = url + 8;
	} else {
		return 0;
	}
	dash = memmem(url, len, "/-/", 3);
	slash = dash && dash > host ? memrchr(host, '/', (size_t)(dash - host)) : NULL;
	if (!slash || slash == host) {
		return 0;
	}
	scope = memrchr(host, '/', (size_t)(slash - host));
	if (scope && scope > host && scope[1] == '@') {
		return (size_t)(scope + 1 - url);
	}
	return (size_t)(slash + 1 - url);
}

int yarn_lock_rewrite(const char *text, const char *registry, struct strbuf *to,
		      char ret_origin[YARN_LOCK_ORIGIN_MAX_BYTES])
{
	size_t field = strlen(FIELD);
	int changed = 0;

	ret_origin[0] = '\0';
	while (*text) {
		size_t line = strcspn(text, "\n");
		size_t skip = 0;

		line += text[line] == '\n';
		if (strncmp(text, FIELD, field) == 0) {
			skip = origin_len(text + field, line - field);
		}
		if (skip > 0 && skip < YARN_LOCK_ORIGIN_MAX_BYTES &&
		    (skip != strlen(registry) || strncmp(text + field, registry, skip) != 0)) {
			if (!changed) {
				memcpy(ret_origin, text + field, skip);
				ret_origin[skip] = '\0';
			}
			changed = 1;
			strbuf_adds(to, FIELD);
			strbuf_adds(to, registry);
			strbuf_add(to, text + field + skip, line - field - skip);
		} else {
			strbuf_add(to, text, line);
		}
		text += line;
	}
	return changed;
}

void yarn_lock_point_at(const struct workspace *w, const char *registry,
			char ret_origin[YARN_LOCK_ORIGIN_MAX_BYTES])
{
	auto_strbuf text = {0}, changed = {0};
	char origin[YARN_LOCK_ORIGIN_MAX_BYTES];
	auto_close int fd = -1;
	struct err ignored;
	uint64_t size;

	ret_origin[0] = '\0';
	if (workspace_open_file(w, "yarn.lock", &fd, &size, &ignored) < 0) {
		return;
	}
	strbuf_init(&text, WORKSPACE_FILE_MAX_BYTES);
	strbuf_init(&changed, WORKSPACE_FILE_MAX_BYTES);
	if (fs_read_fd(fd, &text, &ignored) == 0 && strlen(text.data) == text.len &&
	    yarn_lock_rewrite(text.data, registry, &changed, origin) && !changed.failed &&
	    workspace_put(w, "yarn.lock", 0644, changed.data, changed.len, &ignored) == 0) {
		strcpy(ret_origin, origin);
	}
}
