/*
 * lockfile_check: what it makes of what it accepts is accepted again and is then the same, and
 * every package in it is a registry's. The input is two texts with a NUL between them.
 */

#include "lockfile.h"
#include "strbuf.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len);

static void check_entries(const char *text)
{
	json_t *lockfile = json_loads(text, 0, NULL), *entry;
	const char *path;

	json_object_foreach(json_object_get(lockfile, "packages"), path, entry)
	{
		const char *url = json_string_value(json_object_get(entry, "resolved"));

		if (path[0] == '\0' || json_is_true(json_object_get(entry, "inBundle"))) {
			continue;
		}
		if (!url ||
		    strncmp(url, LOCKFILE_REGISTRY "/", strlen(LOCKFILE_REGISTRY) + 1) != 0 ||
		    strncmp(path, "node_modules/", 13) != 0 || strstr(path, "..") ||
		    !json_object_get(entry, "integrity") || json_object_get(entry, "link")) {
			abort();
		}
	}
	json_decref(lockfile);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len)
{
	const unsigned char *split = memchr(bytes, 0, len);
	struct lockfile_tree first, again;
	struct lockfile_input in = {.scripts_not_needed = "esbuild\n", .cpu = "x64"};
	struct err e;

	if (!split) {
		return 0;
	}
	in.manifest = (const char *)bytes;
	in.manifest_len = (size_t)(split - bytes);
	in.lockfile = (const char *)split + 1;
	in.lockfile_len = len - in.manifest_len - 1;
	if (lockfile_check(&in, &first, &e) < 0) {
		return 0;
	}
	check_entries(first.lockfile);
	in.manifest = first.manifest;
	in.manifest_len = strlen(first.manifest);
	in.lockfile = first.lockfile;
	in.lockfile_len = strlen(first.lockfile);
	if (lockfile_check(&in, &again, &e) == 0) {
		if (strcmp(first.lockfile, again.lockfile) != 0 ||
		    strcmp(first.manifest, again.manifest) != 0) {
			abort();
		}
		lockfile_tree_fini(&again);
	} else if (!strstr(e.text, "runs a script")) {
		abort();
	}
	lockfile_tree_fini(&first);
	return 0;
}
