#include "exec/sandbox.h"

#include "workspace_sync.h"

int sandbox_hydrate(struct app *app, struct sandbox *sb, const char *project_id, int64_t n,
		    struct err *e)
{
	const struct workspace ws = {.db = app->db,
				     .http = app->http,
				     .sandbox_id = sb->id,
				     .agent_socket = sb->agent_socket,
				     .project_id = project_id};
	int64_t version = -1;
	int rc = workspace_sync(&ws, n, &version, e);

	sb->hydrated_version = version;
	return rc;
}
