#pragma once

/* Unix stream sockets (unix(7)). Every descriptor is CLOEXEC. */

#include "err.h"

#include <stdint.h>
#include <sys/types.h>

/* Binds and listens, replacing a stale socket file; the file gets `mode` before it is reachable. */
NODISCARD int unix_listen(const char *path, mode_t mode, int backlog, int *ret_fd, struct err *e);

/* Connects, non-blocking underneath, within the deadline (clock.h). ERR_UNAVAILABLE when nobody is
 * there. The returned descriptor is blocking. */
NODISCARD int unix_connect(const char *path, int64_t deadline_ms, int *ret_fd, struct err *e);

/* SO_PEERCRED. */
NODISCARD int unix_peer(int fd, uid_t *ret_uid, pid_t *ret_pid, struct err *e);
