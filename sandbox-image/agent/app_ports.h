#pragma once

/*
 * What the app's processes listen on. A look costs 30 µs while nothing changes: whose a socket is
 * takes a walk through /proc, so it is remembered.
 */

#include "listeners.h"

#include <stdint.h>

#define APP_PORTS_SOCKETS_MAX 64
#define APP_PORTS_SEEN_MAX    32

struct app_port {
	struct listener at;
	int64_t since_ms; /* first seen */
	bool not_http;	  /* it was asked and answered something else */
	bool http;	  /* it answered in HTTP */
	bool silent;	  /* it was asked and gave no answer */
};

struct app_ports {
	struct app_port list[APP_PORTS_SEEN_MAX]; /* by port, one for each */
	size_t n;
	struct foreign {
		unsigned long inode;
		int64_t again_ms;
		int wait_ms;
	} foreign[APP_PORTS_SOCKETS_MAX]; /* sockets of others beneath the same uid */
	size_t n_foreign;
	unsigned long own[APP_PORTS_SOCKETS_MAX]; /* inodes */
	size_t n_own;
};

void app_ports_clear(struct app_ports *p);

/* Looks again; true when the set of ports changed. `root`: the app's supervisor. `young`: it has
 * just been started, and that its processes cannot be looked at means nothing yet. */
bool app_ports_look(struct app_ports *p, pid_t root, uid_t uid, bool young);

struct app_port *app_ports_find(struct app_ports *p, in_port_t port);
