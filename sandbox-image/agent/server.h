#pragma once

/* The listening socket: a unix socket, or TCP for runtimes that share no directory with their host.
 */

#include "agent.h"

NODISCARD int server_listen(struct agent *agent, struct err *e);
