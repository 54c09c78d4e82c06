#include "oom.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The number after "oom_kill " at the start of a line, or -1. */
static int64_t read_counter(const char *path)
{
	char text[1024];
	const char *at = text;
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		return -1;
	}
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	while (at && strncmp(at, "oom_kill ", 9) != 0) {
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	return at ? strtoll(at + 9, NULL, 10) : -1;
}

int64_t oom_kills(const char *root)
{
	static const char *const files[] = {"memory.events", "memory/memory.oom_control"};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char path[PATH_MAX];
		int64_t n;

		(void)snprintf(path, sizeof(path), "%s/%s", root, files[i]);
		n = read_counter(path);
		if (n >= 0) {
			return n;
		}
	}
	return 0;
}
