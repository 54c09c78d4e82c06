#pragma once

/* The last steps of a turn whose version is an app: it is installed, started, looked at, and goes
 * on. */

#include "err.h"
#include "generate/turn.h"

#include <stdbool.h>

/*
 * `step` events install, start and check, each "started" and then how it ended; `output` of what
 * was installed and started; `preview` {url, port, status, content_type, checked} when the page and
 * all it loads answer. A program that was run before as such (`after_run`) is told without its
 * install and output, which have been seen.
 *
 * What fails is a `step` of state "failed", with an `error` event when no sandbox could be had, and
 * 0: the version stands. -1 only when the turn itself must end.
 */
NODISCARD int app_step(struct turn *t, bool watches, bool after_run, struct err *e);
