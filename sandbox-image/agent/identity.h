#pragma once

/*
 * Who the agent is when it touches files: root without capabilities by default, the sandbox's user
 * between identity_enter and identity_leave (setfsuid(2)), so that it can do no more than the code.
 */

#include "err.h"

#include <sys/types.h>

NODISCARD int identity_enter(uid_t id, struct err *e);
void identity_leave(void);

/* For ever: uid, gid, no supplementary groups, no capabilities, no way back. Async-signal-safe.
 * Returns 0, or -1 with errno. */
NODISCARD int identity_drop(uid_t id);
