#pragma once

/* What the mechanism takes from the configuration, and the fixed ones. */

#include <stdbool.h>
#include <stdint.h>

#define HEAD_TIMEOUT_MS	      10000 /* a request's head, from its first byte */
#define KEEP_ALIVE_MS	      75000 /* a client between two requests */
#define CLIENT_SILENCE_MS     60000 /* a client in a body, sending or reading */
#define LINGER_MS	      5000  /* for a client to take an answer it did not expect */
#define UPSTREAM_KEEP_MS      4000  /* an idle connection to an app; Node closes after 5 s */
#define GREETING_MS	      5000  /* the relay's answer, beyond what it may wait */
#define DRAIN_MS	      20000
#define INFORMATIONAL_MAX     16 /* answers 1xx to one request */
#define UPSTREAM_ATTEMPTS_MAX 16 /* to reach an app for one request */

struct limits {
	int app_conns;
	int64_t idle_ms;
	int64_t total_ms; /* an exchange, but for event streams and tunnels */
	bool draining;	  /* no connection is kept */
};

extern struct limits limits; /* metrics.c, set by main.c */
