#include "network.h"

#include "cleanup.h"
#include "driver.h"
#include "firewall.h"
#include "fs.h"
#include "settings.h"
#include "strbuf.h"
#include "worker.h"

#include <net/if.h>

/* What one member of a bridge sends another is looked at by iptables only with these. */
static const char *const bridge_switches[] = {
	"/proc/sys/net/bridge/bridge-nf-call-iptables",
	"/proc/sys/net/bridge/bridge-nf-call-ip6tables",
};

/* One thread at a time makes rules or networks. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static int switch_on(const char *path, struct err *e)
{
	auto_strbuf value = {0};
	auto_close int fd = -1;

	strbuf_init(&value, 16);
	if (fs_read(path, &value, e) < 0) {
		return err_set(e, ERR_UNAVAILABLE,
			       "there is no %s: apps cannot be kept apart without it (modprobe "
			       "br_netfilter)",
			       path);
	}
	if (value.len > 0 && value.data[0] == '1') {
		return 0;
	}
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "1\n", 2) != 2) {
		return err_errno(e, ERR_INTERNAL, "cannot set %s", path);
	}
	return 0;
}

static int ensure_bridge(struct worker *w, struct err *e)
{
	const struct driver_ops *ops = w->driver->ops;
	const struct settings *s = w->sandboxd->settings;
	const struct driver_network network = {.name = s->net.name,
					       .owner = s->instance,
					       .interface = s->net.interface,
					       .subnet = s->net.subnet,
					       .gateway = s->net.gateway};

	if (ops->network_ensure(w->driver, &network, e) < 0) {
		return -1;
	}
	if (if_nametoindex(s->net.interface) != 0) {
		return 0;
	}
	/* Somebody deleted the interface: the runtime makes it with a new network only. */
	if (ops->network_remove(w->driver, s->net.name, e) < 0) {
		return -1;
	}
	return ops->network_ensure(w->driver, &network, e);
}

/* The rules come first: they name the bridge, which need not exist yet. */
static int secure(struct worker *w, struct err *e)
{
	if (firewall_assert(&w->sandboxd->settings->net, e) < 0 || ensure_bridge(w, e) < 0) {
		return -1;
	}
	for (size_t i = 0; i < ARRAY_LEN(bridge_switches); i++) {
		if (switch_on(bridge_switches[i], e) < 0) {
			return -1;
		}
	}
	return 0;
}

int network_secure(struct worker *w, struct err *e)
{
	const struct net_settings *net = &w->sandboxd->settings->net;
	int rc;

	pthread_mutex_lock(&mutex);
	rc = secure(w, e);
	pthread_mutex_unlock(&mutex);
	if (rc < 0 && e->kind == ERR_CONFLICT) {
		return err_prefix(
			e,
			"the apps' network %s (%s) cannot be made; if another network has "
			"these addresses, set SLIPWAY_APP_SUBNET to free ones",
			net->name, net->subnet);
	}
	return rc < 0 ? err_prefix(e, "the apps' network") : 0;
}

int network_remove(struct worker *w, struct err *e)
{
	const struct net_settings *net = &w->sandboxd->settings->net;
	struct err later;
	int rc;

	pthread_mutex_lock(&mutex);
	rc = w->driver->ops->network_remove(w->driver, net->name, e);
	/* Rules go after the last member. */
	if (rc == 0 || e->kind != ERR_CONFLICT) {
		rc |= firewall_remove(net, rc < 0 ? &later : e);
	}
	pthread_mutex_unlock(&mutex);
	return rc;
}
