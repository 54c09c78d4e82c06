#pragma once

/* The calls about the app, but its log (app_logs.h). */

#include "conn.h"

#define APP_BODY_MAX_BYTES (64 * 1024)

int app_on_get(struct conn *c, struct err *e);

int app_on_begin(struct conn *c, struct err *e);
int app_on_body(struct conn *c, const char *bytes, size_t len, struct err *e);
int app_on_start(struct conn *c, struct err *e);
int app_on_stop(struct conn *c, struct err *e);
void app_on_gone(struct conn *c);
