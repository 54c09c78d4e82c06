#pragma once

/* Connections to apps, kept for each app and inner port apart: what one tenant's app sends can only
 * ever reach requests made to that app. */

struct app;
struct exchange;

/* Another port or secret, or the app is gone: idle connections are closed, busy ones end with their
 * exchange. */
void upstream_app_changed(struct app *app);

/* Each exchange that has a connection to the app, or is about to. `fn` may end it. */
void upstream_each_exchange(struct app *app, void (*fn)(struct exchange *x));

/* Frees app->pool. */
void upstream_app_free(struct app *app);
