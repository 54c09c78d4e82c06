#pragma once

/* sandboxd's socket: who may call, one HTTP/1.1 request per connection, answered by a few threads.
 */

#include "err.h"

#include <sys/types.h>

struct sandboxd;

struct server_ctx {
	struct sandboxd *sandboxd;
	int listen_fd; /* non-blocking, shared by all threads */
};

/* Makes the socket, for root and the group of the settings. */
NODISCARD int server_listen(const struct sandboxd *d, int *ret_fd, struct err *e);

/* A thread's start routine taking a server_ctx: serves until all shall end. */
void *server_run(void *server_ctx);
