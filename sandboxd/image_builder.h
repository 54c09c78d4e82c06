#pragma once

/* Builds the sandbox image in a thread of its own when it is missing: never while a caller waits.
 */

#include "err.h"

#include <stddef.h>

struct image_builder;
struct sandboxd;

/* NULL: out of memory. */
struct image_builder *image_builder_create(struct sandboxd *d);

/* At the end of the process. A build that is under way is not waited for and keeps its memory:
 * build-image is a process group of its own, holds a lock and ends by itself. */
void image_builder_destroy(struct image_builder *b);

/* Builds unless that is being done, or was tried within the last minute. Never blocks. */
void image_builder_kick(struct image_builder *b);

/* What there is to say about the last build: "" when there was none, or it went well. */
void image_builder_detail(struct image_builder *b, char *buf, size_t cap);
