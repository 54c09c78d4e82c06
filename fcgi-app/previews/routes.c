#include "previews/handlers.h"

#define FORM_MAX_BYTES (4u * 1024)
#define DEADLINE_MS    5000
#define HTML	       "text/html"

/* What the API serves on previews' hosts, and nothing else there. No API key and no session counts.
 * Its pages are said to be of status 303, which is what becomes of whoever is let in. */
const struct route preview_route_table[] = {
	{"GET", "/.slipway/enter", POOL_SHORT, AUTH_NONE, 0, DEADLINE_MS, RATE_NONE,
	 preview_enter_get, "Let the owner's browser in, by a ticket.", NULL, 0, 303, HTML, false,
	 "query:ticket"},
	{"GET", "/.slipway/share/{token}", POOL_SHORT, AUTH_NONE, 0, DEADLINE_MS, RATE_NONE,
	 share_open_get, "Let a browser in, by a share link.", NULL, 0, 303, HTML, false, NULL},
	{"POST", "/.slipway/share/{token}", POOL_SHORT, AUTH_NONE, FORM_MAX_BYTES, DEADLINE_MS,
	 RATE_NONE, share_open_post, "The same with the link's password.", NULL, 0, 303, HTML,
	 false, NULL},
};

const size_t preview_route_table_len = sizeof(preview_route_table) / sizeof(preview_route_table[0]);
