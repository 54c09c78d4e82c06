#pragma once

/*
 * $RUN/sandboxes/<id>: a small tmpfs for the agent's socket, mounted into the sandbox. What is in
 * it is the sandbox's doing, hence nosymfollow (a socket swapped for a symbolic link cannot lead to
 * another tenant's), nodev, nosuid, noexec and a size.
 */

#include "err.h"

#include <limits.h>
#include <sys/types.h>

struct settings;

void sockdir_path(const struct settings *s, const char *id, char ret[PATH_MAX]);

/* Made anew, whatever was there before, with nothing in it but the files below. `home` is the
 * user's directory in the sandbox. */
NODISCARD int sockdir_make(const struct settings *s, const char *id, uid_t uid, const char *home,
			   struct err *e);

/* A file for the sandbox's /etc/passwd that gives its uid a name: without one os.userInfo() throws.
 */
void sockdir_passwd_path(const struct settings *s, const char *id, char ret[PATH_MAX]);

/* A file for the sandbox's /etc/resolv.conf that names no name server there is: look-ups fail at
 * once. */
void sockdir_resolv_path(const struct settings *s, const char *id, char ret[PATH_MAX]);

/* Harmless when there is none. */
NODISCARD int sockdir_remove(const struct settings *s, const char *id, struct err *e);
