#pragma once

/* The calls on single files, and the tree. */

#include "conn.h"

int files_on_get(struct conn *c, struct err *e);
void files_on_get_writable(struct conn *c);
void files_on_get_gone(struct conn *c);

int files_on_put(struct conn *c, struct err *e);
int files_on_put_body(struct conn *c, const char *bytes, size_t len, struct err *e);
int files_on_put_end(struct conn *c, struct err *e);
void files_on_put_gone(struct conn *c);

int files_on_delete(struct conn *c, struct err *e);
int files_on_tree(struct conn *c, struct err *e);
