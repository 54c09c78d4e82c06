#pragma once

/* GET /v1/app/logs: the log as Server-Sent Events, from where the reader left off. */

#include "conn.h"

int app_logs_on_begin(struct conn *c, struct err *e);
int app_logs_on_end(struct conn *c, struct err *e);
void app_logs_on_writable(struct conn *c);
void app_logs_on_gone(struct conn *c);
