#pragma once

/*
 * The edge: from what nginx passes to a handler and back. Everything hostile in a request is parsed
 * and checked here once, against the route's row; every answer and every error leaves through here.
 */

#include "app.h"

struct transport;

/* Serves one request to its end. Never fails: what goes wrong is answered and logged. */
void edge_serve(struct app *app, const struct transport *io);
