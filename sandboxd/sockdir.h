#pragma once

/*
 * $RUN/sandboxes/<id>: a small tmpfs for the agent's socket, mounted into the sandbox. What is in
 * it is the sandbox's doing, hence nosymfollow (a socket swapped for a symbolic link cannot lead to
 * another tenant's), nodev, nosuid, noexec and a size.
 */

#include "err.h"

#include <limits.h>

struct settings;

void sockdir_path(const struct settings *s, const char *id, char ret[PATH_MAX]);

/* Empty afterwards, whatever was there before. */
NODISCARD int sockdir_make(const struct settings *s, const char *id, struct err *e);

/* Harmless when there is none. */
NODISCARD int sockdir_remove(const struct settings *s, const char *id, struct err *e);
