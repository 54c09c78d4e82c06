#pragma once

/*
 * The rules that close the apps' network, by iptables and ip6tables: chains of our own, reached
 * before anybody else's rules. From the bridge the package cache's port and replies to what the
 * host opened, and nothing else; nothing is forwarded from it or to it; the cache's address is
 * reachable from nowhere else.
 */

#include "err.h"

struct net_settings;

/* Makes the rules unless they are there, and reads them back: 0 means that they are in force. One
 * thread at a time. */
NODISCARD int firewall_assert(const struct net_settings *net, struct err *e);

/* Takes them away. Harmless when there are none. */
NODISCARD int firewall_remove(const struct net_settings *net, struct err *e);
