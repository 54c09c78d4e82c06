#include "path.h"

#include "utf8.h"

#include <string.h>

static int check_component(const char *at, size_t len, struct err *e)
{
	if (len == 0) {
		return err_set(e, ERR_INVALID, "path has an empty component");
	}
	if ((len == 1 && at[0] == '.') || (len == 2 && at[0] == '.' && at[1] == '.')) {
		return err_set(e, ERR_INVALID, "path has a \"%.*s\" component", (int)len, at);
	}
	if (len > PATH_COMPONENT_MAX) {
		return err_set(e, ERR_INVALID, "path has a component longer than %d bytes",
			       PATH_COMPONENT_MAX);
	}
	return 0;
}

static int check_bytes(const char *path, size_t len, struct err *e)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)path[i];

		if (c < 0x20 || c == 0x7F) {
			return err_set(e, ERR_INVALID, "path has a control character");
		}
		if (c == '\\') {
			return err_set(e, ERR_INVALID, "path has a backslash; use /");
		}
	}
	if (!utf8_valid(path, len)) {
		return err_set(e, ERR_INVALID, "path is not valid UTF-8");
	}
	return 0;
}

int path_check(const char *path, size_t len, struct err *e)
{
	size_t start = 0;
	int components = 0;

	if (len == 0) {
		return err_set(e, ERR_INVALID, "path is empty");
	}
	if (len > PATH_MAX_BYTES) {
		return err_set(e, ERR_INVALID, "path is longer than %d bytes", PATH_MAX_BYTES);
	}
	if (path[0] == '/') {
		return err_set(e, ERR_INVALID, "path must be relative to the workspace");
	}
	if (check_bytes(path, len, e) < 0) {
		return -1;
	}
	for (size_t i = 0; i <= len; i++) {
		if (i < len && path[i] != '/') {
			continue;
		}
		if (check_component(path + start, i - start, e) < 0) {
			return -1;
		}
		if (++components > PATH_COMPONENTS_MAX) {
			return err_set(e, ERR_INVALID, "path has more than %d components",
				       PATH_COMPONENTS_MAX);
		}
		start = i + 1;
	}
	return 0;
}

bool path_has_component(const char *path, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = path;; at++) {
		if (strncmp(at, name, len) == 0 && (at[len] == '/' || at[len] == '\0')) {
			return true;
		}
		at = strchr(at, '/');
		if (!at) {
			return false;
		}
	}
}
