#pragma once

/* Counters, as Prometheus reads them. */

#include "policy.h"
#include "strbuf.h"

#include <stdint.h>

struct metrics {
	uint64_t answers[6]; /* by the status' first digit; [0]: broken off before one */
	uint64_t refusals[REFUSED_TIMEOUT + 1];
	uint64_t bad_requests;
	uint64_t bytes_to_apps, bytes_to_clients; /* of bodies and tunnels */
	uint64_t connects, reuses, retries;
	int64_t clients, exchanges, tunnels, upstreams; /* open now */
};

extern struct metrics metrics;

void metrics_write(struct strbuf *out);
