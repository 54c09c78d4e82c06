#pragma once

/* Putting a sandbox together from disk, socket directory and container, and taking it apart. The
 * caller holds its owner's lock and keeps the row. */

#include "store.h"

#include <stdbool.h>

struct worker;

struct assembly {
	char container_id[80];
	char image_id[80];
	bool fresh_disk; /* the workspace is empty, or nobody knows what it holds */
	int64_t disk_ms, create_ms, start_ms, agent_ms;
};

/* Up and its agent answering, or everything but the disk's image is gone again. */
NODISCARD int assemble(struct worker *w, const struct sandbox_row *row, struct assembly *ret,
		       struct err *e);

/* Container, mounts and socket directory go, the image stays. Tries each; the first error counts.
 */
NODISCARD int disassemble(struct worker *w, const char *id, const char *container_name,
			  struct err *e);
