#include "accounts/handlers.h"
#include "apps/handlers.h"
#include "exec/handlers.h"
#include "generate/handlers.h"
#include "http/route.h"
#include "model/handlers.h"
#include "ops/handlers.h"
#include "previews/handlers.h"
#include "projects/handlers.h"

#define API    "/api/v1"
#define EVENTS "text/event-stream"
#define BYTES  "application/octet-stream"
#define MATCH  "header:If-Match header:If-None-Match"

#define KIB	   1024u
#define NONE	   0 /* no body: one byte is too much */
#define SMALL	   (64 * KIB)
#define MEDIUM	   (256 * KIB)
#define FILE_BYTES (10 * KIB * KIB)

#define SHORT_MS    5000
#define FILE_MS	    15000
#define WATCH_MS    30000
#define DOWNLOAD_MS 120000

#define FIELDS(table) table, sizeof(table) / sizeof((table)[0])
#define NO_FIELDS     NULL, 0

/* method, pattern, pool, auth, body cap, deadline, rate class, handler, summary, body's fields,
 * status, content type, paged, other parameters. Routes with a rate class get body cap and deadline
 * from the configuration too (limits.c). */
const struct route route_table[] = {
	/* signing in, oneself */
	{"POST", API "/auth/login", POOL_SHORT, AUTH_NONE, SMALL, SHORT_MS, RATE_NONE, login_post,
	 "Sign in; sets the session cookie.", FIELDS(login_fields), 200, NULL, false, NULL},
	{"POST", API "/auth/logout", POOL_SHORT, AUTH_USER, SMALL, SHORT_MS, RATE_NONE, logout_post,
	 "Sign out.", NO_FIELDS, 204, NULL, false, NULL},
	{"GET", API "/me", POOL_SHORT, AUTH_USER, NONE, SHORT_MS, RATE_NONE, me_get,
	 "The account that is asking.", NO_FIELDS, 200, NULL, false, NULL},
	{"POST", API "/me/password", POOL_SHORT, AUTH_USER, SMALL, SHORT_MS, RATE_NONE,
	 me_password_post, "Change the password; ends all other sign-ins.",
	 FIELDS(me_password_fields), 204, NULL, false, NULL},

	/* users */
	{"GET", API "/users", POOL_SHORT, AUTH_OWNER, NONE, SHORT_MS, RATE_NONE, users_list,
	 "All users.", NO_FIELDS, 200, NULL, true, NULL},
	{"POST", API "/users", POOL_SHORT, AUTH_OWNER, SMALL, SHORT_MS, RATE_NONE, users_create,
	 "Make a user.", FIELDS(user_create_fields), 201, NULL, false, NULL},
	{"GET", API "/users/{id}", POOL_SHORT, AUTH_OWNER, NONE, SHORT_MS, RATE_NONE, user_get,
	 "One user.", NO_FIELDS, 200, NULL, false, NULL},
	{"PATCH", API "/users/{id}", POOL_SHORT, AUTH_OWNER, SMALL, SHORT_MS, RATE_NONE, user_patch,
	 "Change email, role or password of a user.", FIELDS(user_patch_fields), 200, NULL, false,
	 NULL},
	{"DELETE", API "/users/{id}", POOL_SHORT, AUTH_OWNER, SMALL, SHORT_MS, RATE_NONE,
	 user_delete, "Delete a user with all that is theirs.", NO_FIELDS, 204, NULL, false, NULL},

	/* API keys */
	{"GET", API "/api-keys", POOL_SHORT, AUTH_USER, NONE, SHORT_MS, RATE_NONE, api_keys_list,
	 "One's API keys, without their secrets.", NO_FIELDS, 200, NULL, true, NULL},
	{"POST", API "/api-keys", POOL_SHORT, AUTH_USER, SMALL, SHORT_MS, RATE_NONE,
	 api_keys_create, "Make an API key; its text is shown this once.",
	 FIELDS(api_key_create_fields), 201, NULL, false, NULL},
	{"DELETE", API "/api-keys/{id}", POOL_SHORT, AUTH_USER, SMALL, SHORT_MS, RATE_NONE,
	 api_key_delete, "Delete an API key.", NO_FIELDS, 204, NULL, false, NULL},

	/* running code */
	{"POST", API "/execute", POOL_RUN, AUTH_USER, MEDIUM, SHORT_MS, RATE_RUN, execute_post,
	 "Run code in one's script sandbox; with Accept: text/event-stream as it happens.",
	 FIELDS(execute_fields), 200, NULL, false, NULL},

	/* projects */
	{"GET", API "/projects", POOL_SHORT, AUTH_USER, NONE, SHORT_MS, RATE_NONE, projects_list,
	 "One's projects.", NO_FIELDS, 200, NULL, true, "query:q query:deleted"},
	{"POST", API "/projects", POOL_SHORT, AUTH_USER, SMALL, SHORT_MS, RATE_NONE,
	 projects_create, "Make a project, empty or from a template.",
	 FIELDS(project_create_fields), 201, NULL, false, NULL},
	{"GET", API "/projects/{id}", POOL_SHORT, AUTH_USER, NONE, SHORT_MS, RATE_NONE, project_get,
	 "One project.", NO_FIELDS, 200, NULL, false, NULL},
	{"PATCH", API "/projects/{id}", POOL_SHORT, AUTH_USER, SMALL, SHORT_MS, RATE_NONE,
	 project_patch, "Change name or visibility.", FIELDS(project_patch_fields), 200, NULL,
	 false, NULL},
	{"DELETE", API "/projects/{id}", POOL_SHORT, AUTH_USER, SMALL, SHORT_MS, RATE_NONE,
	 project_delete, "Delete a project; it is purged a week later.", NO_FIELDS, 204, NULL,
	 false, NULL},
	{"POST", API "/projects/{id}/undelete", POOL_SHORT, AUTH_USER, SMALL, SHORT_MS, RATE_NONE,
	 project_undelete, "Take a deletion back, within a week.", NO_FIELDS, 200, NULL, false,
	 NULL},
	{"GET", API "/projects/{id}/export", POOL_WATCH, AUTH_USER, NONE, DOWNLOAD_MS,
	 RATE_DOWNLOAD, project_export, "The files of a version as a zip or tar.gz.", NO_FIELDS,
	 200, "application/zip", false, "query:format query:version"},
	{"POST", API "/projects/{id}/execute", POOL_RUN, AUTH_USER, MEDIUM, SHORT_MS, RATE_RUN,
	 project_execute_post, "Run the project, one of its files, or code beside them.",
	 FIELDS(project_execute_fields), 200, NULL, false, NULL},

	/* its app; what waits for a sandbox is not in `short`, where sign-ins are */
	{"POST", API "/projects/{id}/start", POOL_SHORT, AUTH_USER, SMALL, SHORT_MS, RATE_AGENT,
	 app_start_post, "Start the project's app, without waiting for it.", NO_FIELDS, 202, NULL,
	 false, NULL},
	{"POST", API "/projects/{id}/restart", POOL_SHORT, AUTH_USER, SMALL, SHORT_MS, RATE_AGENT,
	 app_restart_post, "Stop the app if it runs, and start it.", NO_FIELDS, 202, NULL, false,
	 NULL},
	{"POST", API "/projects/{id}/stop", POOL_WATCH, AUTH_USER, SMALL, WATCH_MS, RATE_NONE,
	 app_stop_post, "Stop the app; requests to its preview do not wake it.", NO_FIELDS, 200,
	 NULL, false, NULL},
	{"GET", API "/projects/{id}/status", POOL_SHORT, AUTH_USER, NONE, SHORT_MS, RATE_AGENT,
	 app_status_get, "What the app does right now.", NO_FIELDS, 200, NULL, false, NULL},
	{"GET", API "/projects/{id}/logs", POOL_SHORT, AUTH_USER, NONE, SHORT_MS, RATE_AGENT,
	 app_logs_get, "What the app prints, and its states, as they come.", NO_FIELDS, 200, EVENTS,
	 false, "query:after query:follow header:Last-Event-ID"},
	{"GET", API "/projects/{id}/terminal", POOL_WATCH, AUTH_USER, NONE, WATCH_MS, RATE_NONE,
	 app_terminal_get, "A shell in the project's sandbox, as a WebSocket.", NO_FIELDS, 101,
	 NULL, false, "query:cols query:rows query:session"},

	/* a project's files and versions */
	{"GET", API "/projects/{id}/files", POOL_SHORT, AUTH_USER, NONE, SHORT_MS, RATE_NONE,
	 files_list, "The files of the newest version, or of ?version=n.", NO_FIELDS, 200, NULL,
	 false, "query:version"},
	{"GET", API "/projects/{id}/files/{path*}", POOL_SHORT, AUTH_USER, NONE, SHORT_MS,
	 RATE_NONE, file_get, "A file's bytes.", NO_FIELDS, 200, BYTES, false,
	 "query:version header:If-None-Match"},
	{"PUT", API "/projects/{id}/files/{path*}", POOL_SHORT, AUTH_USER, FILE_BYTES, FILE_MS,
	 RATE_UPLOAD, file_put, "Write a file; makes a version.", NO_FIELDS, 200, NULL, false,
	 MATCH},
	{"DELETE", API "/projects/{id}/files/{path*}", POOL_SHORT, AUTH_USER, SMALL, SHORT_MS,
	 RATE_NONE, file_delete, "Delete a file; makes a version.", NO_FIELDS, 200, NULL, false,
	 MATCH},
	{"POST", API "/projects/{id}/changes", POOL_SHORT, AUTH_USER, FILE_BYTES, FILE_MS,
	 RATE_UPLOAD, changes_post, "Write, move and delete several files; makes one version.",
	 FIELDS(changes_fields), 201, NULL, false, NULL},
	{"GET", API "/projects/{id}/search", POOL_SHORT, AUTH_USER, NONE, SHORT_MS, RATE_SEARCH,
	 project_search, "The lines of a version's files that hold a text.", NO_FIELDS, 200, NULL,
	 false, "query:q query:case query:version"},
	{"GET", API "/projects/{id}/versions", POOL_SHORT, AUTH_USER, NONE, SHORT_MS, RATE_NONE,
	 versions_list, "The project's versions, newest first.", NO_FIELDS, 200, NULL, true, NULL},
	{"GET", API "/projects/{id}/versions/{n}", POOL_SHORT, AUTH_USER, NONE, SHORT_MS, RATE_NONE,
	 version_get, "One version with its files.", NO_FIELDS, 200, NULL, false, NULL},
	{"POST", API "/projects/{id}/versions/{n}/restore", POOL_SHORT, AUTH_USER, SMALL, FILE_MS,
	 RATE_NONE, version_restore, "Make a new version that is like an older one.", NO_FIELDS,
	 201, NULL, false, NULL},
	{"GET", API "/projects/{id}/versions/{a}/diff/{b}", POOL_SHORT, AUTH_USER, NONE, SHORT_MS,
	 RATE_NONE, version_diff, "What changed between two versions.", NO_FIELDS, 200, NULL, false,
	 NULL},

	/* the builder */
	{"POST", API "/projects/{id}/generate", POOL_STREAM, AUTH_USER, MEDIUM, SHORT_MS,
	 RATE_GENERATION, generate_post, "Ask the model; its words, files and their run as events.",
	 FIELDS(generate_fields), 200, EVENTS, false, NULL},
	{"GET", API "/projects/{id}/generations", POOL_SHORT, AUTH_USER, NONE, SHORT_MS, RATE_NONE,
	 generations_list, "The project's generations, newest first.", NO_FIELDS, 200, NULL, true,
	 NULL},
	{"GET", API "/projects/{id}/generations/{gid}", POOL_SHORT, AUTH_USER, NONE, SHORT_MS,
	 RATE_NONE, generation_get, "One generation.", NO_FIELDS, 200, NULL, false, NULL},
	{"GET", API "/projects/{id}/generations/{gid}/events", POOL_WATCH, AUTH_USER, NONE,
	 WATCH_MS, RATE_NONE, generation_events_get,
	 "Its events from Last-Event-ID on; waits up to 20 s for more.", NO_FIELDS, 200, EVENTS,
	 false, "query:after header:Last-Event-ID"},
	{"POST", API "/projects/{id}/generations/{gid}/cancel", POOL_SHORT, AUTH_USER, SMALL,
	 SHORT_MS, RATE_NONE, generation_cancel, "Ask a running generation to stop.", NO_FIELDS,
	 202, NULL, false, NULL},

	/* who may see a project's preview */
	{"POST", API "/projects/{id}/preview-tickets", POOL_SHORT, AUTH_USER, SMALL, SHORT_MS,
	 RATE_NONE, preview_ticket_post, "A one-time address that lets one's browser in.",
	 FIELDS(preview_ticket_fields), 201, NULL, false, NULL},
	{"GET", API "/previews/{slug}/open", POOL_SHORT, AUTH_USER, NONE, SHORT_MS, RATE_NONE,
	 preview_open_get, "Send the signed-in owner's browser to the preview.", NO_FIELDS, 303,
	 "text/html", false, "query:to"},
	{"GET", API "/projects/{id}/shares", POOL_SHORT, AUTH_USER, NONE, SHORT_MS, RATE_NONE,
	 shares_list, "The project's share links, newest first.", NO_FIELDS, 200, NULL, true, NULL},
	{"POST", API "/projects/{id}/shares", POOL_SHORT, AUTH_USER, SMALL, SHORT_MS, RATE_NONE,
	 shares_create, "Make a share link.", FIELDS(share_fields), 201, NULL, false, NULL},
	{"GET", API "/projects/{id}/shares/{sid}", POOL_SHORT, AUTH_USER, NONE, SHORT_MS, RATE_NONE,
	 share_get, "One share link.", NO_FIELDS, 200, NULL, false, NULL},
	{"PATCH", API "/projects/{id}/shares/{sid}", POOL_SHORT, AUTH_USER, SMALL, SHORT_MS,
	 RATE_NONE, share_patch, "Change name, expiry or password of a share link.",
	 FIELDS(share_fields), 200, NULL, false, NULL},
	{"DELETE", API "/projects/{id}/shares/{sid}", POOL_SHORT, AUTH_USER, SMALL, SHORT_MS,
	 RATE_NONE, share_delete, "Revoke a share link, at once.", NO_FIELDS, 204, NULL, false,
	 NULL},

	{"GET", API "/templates", POOL_SHORT, AUTH_USER, NONE, SHORT_MS, RATE_NONE, templates_list,
	 "The templates projects can begin with.", NO_FIELDS, 200, NULL, false, NULL},
	{"GET", API "/models", POOL_SHORT, AUTH_USER, NONE, SHORT_MS, RATE_NONE, models_list,
	 "The models that can be asked; the default comes first.", NO_FIELDS, 200, NULL, false,
	 NULL},

	/* operations */
	{"GET", API "/openapi.json", POOL_SHORT, AUTH_NONE, NONE, SHORT_MS, RATE_NONE, openapi_get,
	 "This document.", NO_FIELDS, 200, NULL, false, NULL},
	{"GET", "/healthz", POOL_SHORT, AUTH_NONE, NONE, SHORT_MS, RATE_NONE, healthz_get, "Alive.",
	 NO_FIELDS, 200, NULL, false, NULL},
	{"GET", "/readyz", POOL_SHORT, AUTH_NONE, NONE, SHORT_MS, RATE_NONE, readyz_get,
	 "Each dependency by name; 503 when one is missing.", NO_FIELDS, 200, NULL, false, NULL},
	{"GET", "/metrics", POOL_SHORT, AUTH_NONE, NONE, SHORT_MS, RATE_NONE, metrics_get,
	 "Prometheus metrics; not published by nginx.", NO_FIELDS, 200, "text/plain", false, NULL},
};

const size_t route_table_len = sizeof(route_table) / sizeof(route_table[0]);
