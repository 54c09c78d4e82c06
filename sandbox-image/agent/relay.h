#pragma once

/*
 * The relay (docs/ARCHITECTURE.md): the one TCP port of an app's sandbox. Whoever knows the start's
 * secret is connected to a port on loopback, which need not listen yet.
 *
 * It serves only where SLIPWAY_RELAY_SECRET is set. A client that gives up while it waits had best
 * reset its connection (SO_LINGER): a plain close looks like a request that is complete.
 */

#include "agent.h"

#define RELAY_PORT	7411
#define RELAY_CONNS_MAX 512

/* In agent_init and agent_fini. Listens on agent->settings.relay_port (0: any free one). */
NODISCARD int relay_init(struct agent *agent, struct err *e);
void relay_fini(struct agent *agent);

/* Where it listens, in host order; 0 when it does not. */
in_port_t relay_port(const struct agent *agent);
