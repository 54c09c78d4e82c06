#pragma once

/*
 * Copying bytes between two sockets, both ways at once, each way as fast as its reader takes them.
 *
 * Bytes go from a read into a write through one buffer that all share; only what a socket did not
 * take at once is kept, and until it is gone nothing more is read from the other side. So an idle
 * pair costs no buffer, and a pair holds 64 KiB in each direction at most.
 */

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>

#define RELAY_FLOW_BYTES ((size_t)64 * 1024)

struct relay_pair;

/* One direction. */
struct relay_flow {
	struct relay_pair *pair;
	int from, to;
	struct event readable, writable;
	char *held; /* bytes that `to` did not take; NULL until there were any */
	size_t held_at, held_len;
	bool ended;  /* `from` will give nothing more */
	bool done;   /* ended, all of it is written, and the end is passed on */
	bool broken; /* `to` takes nothing more: what still comes is thrown away */
};

struct relay_pair {
	struct relay_flow up, down; /* client to app, app to client */
	/* Both directions are done, or the connection broke. Comes once, from the event loop, and
	 * may free the pair. */
	void (*over)(struct relay_pair *p);
};

/* Starts copying. The descriptors stay the caller's, who closes them after relay_pair_stop. */
void relay_pair_start(struct relay_pair *p, struct event_base *base, int client, int app);

/* Sends `len` bytes (at most RELAY_FLOW_BYTES) to the client and nothing else; then it is over.
 * -1: out of memory. */
int relay_pair_say(struct relay_pair *p, struct event_base *base, int client, const char *bytes,
		   size_t len);

/* Also on a zeroed pair that was never started. */
void relay_pair_stop(struct relay_pair *p);
