#pragma once

/* Runs: the queue, the calls about runs, and what happens between a supervisor and its client. */

#include "conn.h"

int runs_on_health(struct conn *c, struct err *e);

int runs_on_begin(struct conn *c, struct err *e);
int runs_on_body(struct conn *c, const char *bytes, size_t len, struct err *e);
int runs_on_end(struct conn *c, struct err *e);
void runs_on_writable(struct conn *c);
void runs_on_gone(struct conn *c);

int runs_on_delete(struct conn *c, struct err *e);
void runs_on_delete_gone(struct conn *c);
