/* path_check: what it accepts cannot lead out of a directory, whatever reads it afterwards. */

#include "path.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len);

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len)
{
	const char *path = (const char *)bytes;
	char copy[PATH_MAX_BYTES + 3];
	struct err e;

	if (path_check(path, len, &e) < 0) {
		return 0;
	}
	if (len > PATH_MAX_BYTES || memchr(path, '\0', len) || path[0] == '/') {
		abort();
	}
	copy[0] = '/';
	memcpy(copy + 1, path, len);
	copy[len + 1] = '/';
	copy[len + 2] = '\0';
	if (strstr(copy, "/../") || strstr(copy, "/./") || strstr(copy, "//")) {
		abort();
	}
	return 0;
}
