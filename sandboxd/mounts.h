#pragma once

/* This mount namespace's table, /proc/self/mountinfo (proc_pid_mountinfo(5)), and unmounting. */

#include "err.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct mount_entry {
	dev_t dev;
	char target[PATH_MAX];
	char fstype[32];
	char source[PATH_MAX];
};

/* -1 stops the walk with its error. */
typedef int mount_fn(void *ctx, const struct mount_entry *m, struct err *e);

NODISCARD int mounts_each(mount_fn *fn, void *ctx, struct err *e);

/* How many mounts lie on exactly this path; the topmost one in *ret_top when there is any. */
NODISCARD int mounts_at(const char *target, size_t *ret_count, struct mount_entry *ret_top,
			struct err *e);

/* Takes away every mount on the path. One that is still busy at the deadline is detached: it goes
 * when its last user does. */
NODISCARD int mounts_unmount(const char *target, int64_t deadline_ms, struct err *e);
