#pragma once

/* The sockets clients come to. */

#include "err.h"

#include <stdbool.h>

/* `at` is unix:PATH or ADDRESS:PORT. A unix socket gets `group` when there is one of that name and
 * mode 0660, or 0600 without. Clients of a metrics listener are shown the counters. */
NODISCARD int listener_open(const char *at, const char *group, bool is_metrics, struct err *e);

/* Those that want in wait in the backlog or are refused by the system. */
void listeners_close(void);
