#pragma once

/*
 * The preview's own origin as the app knows it, http://localhost:<inner port>, and back. Foreign
 * origins stay as they are: the app's own checks against them must go on to bite.
 */

#include "http_head.h"
#include "strbuf.h"

#include <stdint.h>

/* An Origin or Referer header. `host` is the request's Host, or NULL. */
void own_origin_add(struct strbuf *out, struct http_slice name, struct http_slice value,
		    const struct http_slice *host, uint16_t inner_port);

/* A Location header: one to the app's own address becomes a path. */
void own_location_add(struct strbuf *out, struct http_slice name, struct http_slice value,
		      uint16_t inner_port);
