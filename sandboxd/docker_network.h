#pragma once

/* The Docker driver's networks (driver.h: network_ensure, network_remove). */

#include "err.h"

struct docker_client;
struct driver_network;

NODISCARD int docker_network_ensure(struct docker_client *c, const struct driver_network *n,
				    struct err *e);
NODISCARD int docker_network_remove(struct docker_client *c, const char *name, struct err *e);
