#pragma once

/*
 * Killing everything that descends from a process, without touching anything else.
 *
 * The root must be a child subreaper (or PID 1), so that nothing can leave its tree: setsid, double
 * forks and CLONE_PARENT all stay beneath it. Everything is stopped first and killed only when a
 * whole reading of /proc finds nothing that still runs; so what forks cannot outrun the killing.
 */

#include "err.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* One pass: stops, then kills. *ret_alive counts what was not yet dead (zombies are dead). */
NODISCARD int kill_tree_pass(pid_t root, const pid_t *except, size_t n_except, size_t *ret_alive,
			     struct err *e);

typedef void kill_tree_reaped_fn(void *ctx, pid_t pid, int wait_status);

/*
 * Kills and reaps all descendants of the calling process until none is left or the deadline
 * passes (ERR_TIMEOUT). SIGCHLD must be blocked. `reaped` may be NULL.
 */
NODISCARD int kill_tree_all(int64_t deadline_ms, kill_tree_reaped_fn *reaped, void *ctx,
			    struct err *e);
