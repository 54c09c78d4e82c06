#pragma once

/* Putting a sandbox together from disk, socket directory and container, and taking it apart. The
 * caller holds its owner's lock and keeps the row. */

#include "store.h"

#include <stdbool.h>

struct worker;

#define RELAY_SECRET_BYTES 65 /* 256 random bits in hex */

struct assembly {
	char container_id[80];
	char image_id[80];
	bool fresh_disk; /* the workspace is empty, or nobody knows what it holds */
	int port;	 /* on the host's loopback, ending at the agent's relay; 0: none */
	char relay_secret[RELAY_SECRET_BYTES];
	int64_t disk_ms, create_ms, start_ms, agent_ms;
};

/*
 * Up and its agent answering, or everything but the disk's image is gone again. `tree_key` is the
 * dependency tree a project's sandbox shall have, "" for none; whether it has one is in its row
 * afterwards. Only a project's sandbox has a port, and a profile that is an app's the network.
 */
NODISCARD int assemble(struct worker *w, const struct sandbox_row *row, const char *tree_key,
		       struct assembly *ret, struct err *e);

/* Container, mounts, socket directory and port go, the image stays. Tries each; the first error
 * counts. */
NODISCARD int disassemble(struct worker *w, const char *id, const char *container_name,
			  struct err *e);
