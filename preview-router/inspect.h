#pragma once

/* The script of ours that tells the editor what happens in a page it frames (docs/API.md, "What the
 * editor sees of a page"), and whom it tells. */

#include "err.h"

struct asset;
struct config;

NODISCARD int inspect_init(const struct config *c, struct err *e);
void inspect_fini(void);

/* With the editor's origins filled in. */
const struct asset *inspect_script(void);

/* The editor's origins as sources of a Content-Security-Policy. */
const char *inspect_editors(void);
