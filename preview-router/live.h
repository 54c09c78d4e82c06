#pragma once

/* What is happening with an app, in words for whoever waits for it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct app_policy;
struct strbuf;

#define LIVE_DETAIL_BYTES 640

enum live_kind {
	LIVE_READY,  /* it can be gone to */
	LIVE_COMING, /* that will change without anybody's help */
	LIVE_STUCK,  /* it will not */
};

struct live {
	enum live_kind kind;
	const char *state; /* a word for programs */
	const char *title;
	char detail[LIVE_DETAIL_BYTES];
	const char *error; /* NULL: none, or not for this visitor */
	int64_t for_ms;
	bool has_log; /* the agent's lines belong to it */
};

struct live_viewer {
	uint16_t inner_port;
	bool is_owner;
};

/* Of the exchange's target. */
struct exchange_target;
struct live_viewer live_viewer_of(const struct exchange_target *t);

void live_of(const struct app_policy *p, const struct live_viewer *v, struct live *ret);

/* /.slipway/status. -1: no memory. */
int live_json(const struct app_policy *p, const struct live_viewer *v, struct strbuf *out);
