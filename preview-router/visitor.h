#pragma once

/* Who asks, as far as a request's head tells: somebody who looks at a page, a page's own requests,
 * a program; and those for whom nothing is woken: prefetchers, link previews, crawlers. */

#include "http_head.h"

#include <stdbool.h>

/* A page in a window or frame is wanted. */
bool visitor_navigates(const struct http_head *head);

/* … in a frame of another page. */
bool visitor_in_frame(const struct http_head *head);

/* … in an iframe, and a page will be shown there. */
bool visitor_fills_iframe(const struct http_head *head);

/* Not a prefetcher or robot, and not only asking about the address. Looks at much. */
bool visitor_may_wake(const struct http_head *head);
