#pragma once

/* Who may see a preview, over HTTP (docs/API.md, "Previews"). */

#include "http/route.h"

route_handler preview_ticket_post, preview_open_get;				/* tickets.c */
route_handler shares_list, shares_create, share_get, share_patch, share_delete; /* shares.c */

extern const struct json_field preview_ticket_fields[1];
extern const struct json_field share_fields[4];

/* On previews' own hosts: what /.slipway/ there is ours (routes.c). The edge takes this table
 * instead of the other one when nginx says so (SLIPWAY_PREVIEW=1). */
route_handler preview_enter_get;	       /* tickets.c */
route_handler share_open_get, share_open_post; /* share_open.c */

extern const struct route preview_route_table[];
extern const size_t preview_route_table_len;
