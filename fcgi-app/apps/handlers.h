#pragma once

/* Apps over HTTP (docs/API.md, "Apps"): start and stop, what they do, what they print, a terminal.
 */

#include "http/route.h"

route_handler app_start_post, app_restart_post, app_stop_post, app_status_get;
route_handler app_logs_get, app_terminal_get;
