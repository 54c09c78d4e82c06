#pragma once

/*
 * Which TCP sockets listen in this network namespace.
 *
 * Asked by sock_diag(7), which walks the listening sockets only: 20 µs here. /proc/net/tcp walks
 * the whole host's connection table as well, 1.6 to 5 ms, and is read only where sock_diag is
 * missing.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct listener {
	struct sockaddr_storage at; /* sockaddr_in or sockaddr_in6 as it was bound */
	uid_t uid;
	unsigned long inode;
};

/* At most `max` of them; returns how many. *ret_cheap is false when /proc had to be read. */
size_t listeners_read(struct listener *ret, size_t max, bool *ret_cheap);

/* The text of /proc/net/tcp (or tcp6), cut anywhere. */
size_t listeners_parse(const char *text, bool v6, struct listener *ret, size_t max);

in_port_t listener_port(const struct listener *l); /* in host order */

/*
 * Where to connect for what was bound: any address means loopback. A socket on :: takes IPv4 too
 * unless it says otherwise, and where IPv6 is off (Docker's default) no ::1 exists: so it is tried
 * by IPv4 and IPv6 in turn, by the number of the attempt from 0.
 */
struct sockaddr_storage listener_reachable(const struct listener *l, unsigned attempt);

/* Whether a descendant of `root` holds the socket: 1, 0, or -1 when no descendant could be looked
 * at (there is none, it is still the agent's, or hardened code forbids it). Looks with the uid's
 * rights.
 */
int listener_held_by(const struct listener *l, pid_t root, uid_t uid);

/* The same where what cannot be told is taken for yes. */
bool listener_belongs(const struct listener *l, pid_t root, uid_t uid);
