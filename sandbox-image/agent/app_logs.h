#pragma once

/* GET /v1/app/logs: the log as Server-Sent Events, from where the reader left off. */

#include "conn.h"

struct app;

/* Ends the streams of all readers, as answers that are complete. */
void app_logs_end(struct app *app);

int app_logs_on_begin(struct conn *c, struct err *e);
int app_logs_on_end(struct conn *c, struct err *e);
void app_logs_on_writable(struct conn *c);
void app_logs_on_gone(struct conn *c);
