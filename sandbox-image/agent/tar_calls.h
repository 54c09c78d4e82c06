#pragma once

/* The calls on the whole workspace as tar. */

#include "conn.h"
#include "helper.h"

int tar_on_put(struct conn *c, struct err *e);
int tar_on_put_body(struct conn *c, const char *bytes, size_t len, struct err *e);
int tar_on_put_end(struct conn *c, struct err *e);
void tar_on_put_gone(struct conn *c);

int tar_on_get(struct conn *c, struct err *e);
