#pragma once

/* The running sandboxd: its threads, and their orderly end. */

#include "err.h"

struct settings;

/* Serves until TERM or INT. -1 when it could not start. */
NODISCARD int daemon_run(const struct settings *s, struct err *e);
