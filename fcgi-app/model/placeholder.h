#pragma once

/*
 * Finds the comments with which a model leaves part of a file out: "// ... rest of the file
 * unchanged", "<!-- existing code here -->" and their kin. Written to disk they would destroy what
 * they stand for, so such a file is refused.
 */

#include <stdbool.h>
#include <stddef.h>

struct placeholder {
	size_t line;	/* from 1 */
	char text[120]; /* the comment, cut, NUL-terminated, valid UTF-8 */
};

/* True for the first one. `path` tells the comment syntax by its ending; prose files (Markdown,
 * plain text) and JSON's like have none. */
bool placeholder_find(const char *path, const char *text, size_t len, struct placeholder *ret);
