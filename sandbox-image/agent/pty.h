#pragma once

/* Pseudo-terminals of the container (devpts), owned by the sandbox's uid. */

#include "err.h"

#include <sys/types.h>

/*
 * Both ends, the master without blocking. As long as somebody holds the terminal end too, reading
 * the master never fails with EIO. Closing the master hangs up whoever has the other as controlling
 * terminal.
 */
NODISCARD int pty_open(uid_t uid, int cols, int rows, int *ret_master, int *ret_terminal,
		       struct err *e);

/* The foreground is told by SIGWINCH when it is another size. */
void pty_resize(int master, int cols, int rows);
