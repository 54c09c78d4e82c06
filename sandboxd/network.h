#pragma once

/* The network of this installation's apps: a bridge by the driver, closed by the firewall. */

#include "err.h"

struct worker;

/*
 * Sees to it that the network is there and closed. Asked before every start of a sandbox that gets
 * it, on the runtime's events and each minute: where this fails nothing starts. ERR_CONFLICT,
 * naming the setting to change, when another network is in the way.
 */
NODISCARD int network_secure(struct worker *w, struct err *e);

/* Takes network and rules away. Tries both; the first error counts. */
NODISCARD int network_remove(struct worker *w, struct err *e);
