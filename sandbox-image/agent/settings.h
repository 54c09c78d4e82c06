#pragma once

/* What the container's environment and the command line say. */

#include "err.h"

#include <limits.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define SETTINGS_TOKEN_MIN_BYTES 16
#define SETTINGS_RUN_CONNS_MAX	 48 /* runs and waiting runs together */

struct settings {
	char sandbox_id[64];
	uid_t uid; /* uid and gid of code; never 0 */
	int runs_max;
	int run_queue;
	bool listen_tcp;
	char listen_at[108];   /* a path, or "address:port" */
	char token[256];       /* bearer token; "" only on a unix socket */
	char relay_secret[65]; /* 64 hex digits; "": no relay */
	in_port_t relay_port;
	char workspace[PATH_MAX];
	char home[256];	    /* HOME of code */
	char registry[256]; /* of npm packages, with a slash at the end; "" without a cache */
	int64_t app_start_timeout_ms;
	int64_t install_timeout_ms;
	bool pid1; /* cleared by --no-pid1 */
};

/* ERR_INVALID names the variable or option. */
NODISCARD int settings_load(int argc, char *const *argv, struct settings *ret, struct err *e);
