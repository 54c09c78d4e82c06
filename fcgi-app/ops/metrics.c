/* Prometheus text format, version 0.0.4, from the scoreboard. */

#include "ops/handlers.h"
#include "scoreboard.h"
#include "strbuf.h"
#include "version.h"

#include <inttypes.h>

#define METRICS_MAX_BYTES (256 * 1024)

static void family(struct strbuf *b, const char *name, const char *type, const char *help)
{
	strbuf_addf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void add_requests(struct strbuf *b, const struct scoreboard_stats *s)
{
	family(b, "slipway_requests_total", "counter",
	       "Requests answered, by pool and status class.");
	for (int p = 0; p < POOL_COUNT; p++) {
		for (int i = 0; i < SCOREBOARD_STATUSES; i++) {
			strbuf_addf(b,
				    "slipway_requests_total{pool=\"%s\",status=\"%dxx\"} %" PRIu64
				    "\n",
				    route_pool_name((enum route_pool)p), i + 1, s[p].requests[i]);
		}
	}
}

static void add_histogram(struct strbuf *b, const char *pool, const struct scoreboard_stats *s)
{
	uint64_t total = 0;

	for (int i = 0; i < SCOREBOARD_BUCKETS; i++) {
		total += s->buckets[i];
		strbuf_addf(
			b,
			"slipway_request_duration_seconds_bucket{pool=\"%s\",le=\"%g\"} %" PRIu64
			"\n",
			pool, (double)scoreboard_buckets_ms[i] / 1000, total);
	}
	total += s->buckets[SCOREBOARD_BUCKETS];
	strbuf_addf(b,
		    "slipway_request_duration_seconds_bucket{pool=\"%s\",le=\"+Inf\"} %" PRIu64 "\n"
		    "slipway_request_duration_seconds_sum{pool=\"%s\"} %.3f\n"
		    "slipway_request_duration_seconds_count{pool=\"%s\"} %" PRIu64 "\n",
		    pool, total, pool, (double)s->duration_ms / 1000, pool, total);
}

static void add_gauges(struct strbuf *b, const struct scoreboard_stats *s)
{
	const struct {
		const char *name, *type, *help;
		uint64_t value[POOL_COUNT];
	} families[] = {
		{"slipway_slots",
		 "gauge",
		 "Requests a pool takes at once.",
		 {(uint64_t)s[0].slots, (uint64_t)s[1].slots, (uint64_t)s[2].slots,
		  (uint64_t)s[3].slots}},
		{"slipway_slots_busy",
		 "gauge",
		 "Requests a pool is serving.",
		 {(uint64_t)s[0].busy, (uint64_t)s[1].busy, (uint64_t)s[2].busy,
		  (uint64_t)s[3].busy}},
		{"slipway_rejected_full_total",
		 "counter",
		 "Requests answered 503: no free slot.",
		 {s[0].rejected_full, s[1].rejected_full, s[2].rejected_full, s[3].rejected_full}},
		{"slipway_rejected_rate_total",
		 "counter",
		 "Requests answered 429: a user's limit.",
		 {s[0].rejected_rate, s[1].rejected_rate, s[2].rejected_rate, s[3].rejected_rate}},
		{"slipway_worker_restarts_total",
		 "counter",
		 "Workers that died and were started again.",
		 {s[0].restarts, s[1].restarts, s[2].restarts, s[3].restarts}},
	};

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		family(b, families[i].name, families[i].type, families[i].help);
		for (int p = 0; p < POOL_COUNT; p++) {
			strbuf_addf(b, "%s{pool=\"%s\"} %" PRIu64 "\n", families[i].name,
				    route_pool_name((enum route_pool)p), families[i].value[p]);
		}
	}
}

int metrics_get(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	struct scoreboard_stats s[POOL_COUNT];
	auto_strbuf b;

	(void)rq;
	strbuf_init(&b, METRICS_MAX_BYTES);
	for (int p = 0; p < POOL_COUNT; p++) {
		scoreboard_stats(app->board, (enum route_pool)p, &s[p]);
	}
	family(&b, "slipway_build_info", "gauge", "The program's version.");
	strbuf_addf(&b, "slipway_build_info{version=\"%s\"} 1\n", SLIPWAY_VERSION);
	add_requests(&b, s);
	add_gauges(&b, s);
	family(&b, "slipway_request_duration_seconds", "histogram",
	       "Time from taking a request to the end of its answer.");
	for (int p = 0; p < POOL_COUNT; p++) {
		add_histogram(&b, route_pool_name((enum route_pool)p), &s[p]);
	}
	if (strbuf_check(&b, "metrics", e) < 0) {
		return -1;
	}
	return response_bytes(rs, 200, "text/plain; version=0.0.4; charset=utf-8", b.data, b.len,
			      e);
}
