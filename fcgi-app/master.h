#pragma once

/*
 * The master process: opens the pools' sockets, keeps their workers and the janitor running (with
 * back-off), ends a worker that is past its request's deadline, and drains everything on TERM or
 * INT.
 */

#include "err.h"

struct config;

/* Returns 0 after a drain, -1 when it could not start. */
NODISCARD int master_run(const struct config *config, struct err *e);
