#pragma once

/* The agent's word on an app, asked of the relay when a page wants to show it: one question at a
 * time for an app, and an answer serves everybody for a moment. */

#include <stdbool.h>

struct app_policy;

/* Asks unless what is known is fresh. */
void agent_refresh(struct app_policy *p);

/* Something is known, and not long ago. */
bool agent_is_fresh(const struct app_policy *p);

/* Another sandbox, or a reason to look again. */
void agent_forget(struct app_policy *p);
