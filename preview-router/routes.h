#pragma once

/*
 * Host → app, from PostgreSQL: views routes and route_shares, LISTEN slipway_routes, everything
 * anew after each reconnect. A thread of its own speaks to the database; the table belongs to the
 * event loop's thread. When the database is away, what is known stays.
 */

#include "err.h"
#include "grant.h"
#include "token.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct app;
struct config;
struct event_base;

NODISCARD int routes_start(struct event_base *base, const struct config *c, struct err *e);
void routes_stop(void);

/* False until the table was read once: until then nothing is known to be unknown. */
bool routes_loaded(void);
bool routes_connected(void);

/* NULL: there is none. Lower case. */
struct app *routes_find(const char *slug, size_t len);
size_t routes_count(void);
void routes_each(void (*fn)(void *ctx, struct app *app), void *ctx);

/* NULL until loaded. The epoch is another one when the key is. */
const unsigned char *routes_preview_key(void);
uint64_t routes_preview_key_epoch(void);

/* These projects are in use: written to the database soon, or when it is back. */
void routes_active(const char (*project_ids)[UUID_TEXT_BYTES], size_t n);

void app_ref(struct app *app);
void app_unref(struct app *app);
