#include "metrics.h"

#include "proxy_limits.h"
#include "routes.h"

#include <inttypes.h>

struct metrics metrics;
struct limits limits;

static const char *const refusal_names[] = {
	[REFUSED_SECRET] = "secret",	     [REFUSED_PORT] = "port",
	[REFUSED_INSTALLING] = "installing", [REFUSED_STARTING] = "starting",
	[REFUSED_CRASHED] = "crashed",	     [REFUSED_STOPPED] = "stopped",
	[REFUSED_LIMIT] = "limit",	     [REFUSED_CONNECT] = "connect",
	[REFUSED_MALFORMED] = "malformed",   [REFUSED_CLOSED] = "closed",
	[REFUSED_TIMEOUT] = "timeout",
};

static void gauge(struct strbuf *out, const char *name, const char *help, int64_t value)
{
	(void)strbuf_addf(out,
			  "# HELP slipway_router_%s %s\n# TYPE slipway_router_%s gauge\n"
			  "slipway_router_%s %" PRId64 "\n",
			  name, help, name, name, value);
}

static void counter(struct strbuf *out, const char *name, const char *help, uint64_t value)
{
	(void)strbuf_addf(out,
			  "# HELP slipway_router_%s %s\n# TYPE slipway_router_%s counter\n"
			  "slipway_router_%s %" PRIu64 "\n",
			  name, help, name, name, value);
}

static void heading(struct strbuf *out, const char *name, const char *help)
{
	(void)strbuf_addf(out, "# HELP slipway_router_%s %s\n# TYPE slipway_router_%s counter\n",
			  name, help, name);
}

void metrics_write(struct strbuf *out)
{
	const struct metrics *m = &metrics;

	heading(out, "answers_total", "Answers by status class; 0: broken off before one.");
	for (int i = 0; i < 6; i++) {
		(void)strbuf_addf(out, "slipway_router_answers_total{class=\"%d\"} %" PRIu64 "\n",
				  i, m->answers[i]);
	}
	heading(out, "refusals_total", "Apps that could not be reached, by reason.");
	for (int i = 0; i <= REFUSED_TIMEOUT; i++) {
		(void)strbuf_addf(out, "slipway_router_refusals_total{reason=\"%s\"} %" PRIu64 "\n",
				  refusal_names[i], m->refusals[i]);
	}
	counter(out, "bad_requests_total", "Requests refused as malformed.", m->bad_requests);
	counter(out, "bytes_to_apps_total", "Bytes of bodies and tunnels.", m->bytes_to_apps);
	counter(out, "bytes_to_clients_total", "Bytes of bodies and tunnels.", m->bytes_to_clients);
	counter(out, "connects_total", "Connections to apps made.", m->connects);
	counter(out, "reuses_total", "Requests on a connection made before.", m->reuses);
	counter(out, "retries_total", "Requests sent again after a stale connection.", m->retries);
	gauge(out, "clients", "Open connections of clients.", m->clients);
	gauge(out, "exchanges", "Requests under way, tunnels included.", m->exchanges);
	gauge(out, "tunnels", "Open WebSockets.", m->tunnels);
	gauge(out, "upstreams", "Open connections to apps.", m->upstreams);
	gauge(out, "routes", "Apps known.", (int64_t)routes_count());
	gauge(out, "routes_connected", "1 while the database is there.", routes_connected());
	policy_metrics(out);
}
