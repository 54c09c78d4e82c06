#pragma once

/* Child processes of the host programs: argv arrays only, a deadline always, output with a maximum.
 */

#include "strbuf.h"

#include <sys/types.h>

struct proc_opts {
	const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH */
	const char *const *envp; /* NULL: inherit */
	const char *cwd;	 /* NULL: inherit */
	const void *stdin_bytes; /* NULL: /dev/null */
	size_t stdin_len;
	int64_t timeout_ms;    /* > 0; the process group is killed when it passes */
	struct strbuf *output; /* stdout and stderr together, cut at its maximum; NULL: discarded */
	void (*on_output)(void *ctx, const char *bytes, size_t len); /* NULL: none */
	void *ctx;
};

/* Runs it to its end. 0 only on exit status 0; otherwise ERR_INTERNAL (or ERR_TIMEOUT) with the
 * command's name, status and the last line it printed. */
NODISCARD int proc_run(const struct proc_opts *o, struct err *e);
