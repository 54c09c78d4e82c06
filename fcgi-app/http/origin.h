#pragma once

/*
 * Who may make a browser use somebody's session. SameSite does not protect here: a preview beside
 * the editor is same-site. So each unsafe call by cookie must carry an Origin that is exactly ours.
 */

#include <stdbool.h>

struct config;

/* True when `origin` is SLIPWAY_PUBLIC_URL's or, when that is unset, this port of localhost,
 * 127.0.0.1 or [::1] over http. */
bool origin_is_ours(const struct config *config, const char *origin);

/* True when people reach us by https, as SLIPWAY_PUBLIC_URL has it. */
bool origin_is_https(const struct config *config);

bool method_is_safe(const char *method); /* GET, HEAD */
