#pragma once

/* Who asks, by the User-Agent header: it is a claim, good enough for not waking an app or using up
 * a link for a program nobody is looking at. */

#include <stdbool.h>
#include <stddef.h>

/* What fetches links that nobody has clicked: link previews, crawlers, monitors. Programs that
 * people run (curl, wget, test tools) are not. */
bool user_agent_is_robot(const char *text, size_t len);
