#pragma once

/* The cgroup's count of processes killed for lack of memory. */

#include <stdint.h>

#define OOM_CGROUP_ROOT "/sys/fs/cgroup"

/* From memory.events (cgroup v2) or memory/memory.oom_control (v1) beneath `root`; 0 when neither
 * can be read. */
int64_t oom_kills(const char *root);
