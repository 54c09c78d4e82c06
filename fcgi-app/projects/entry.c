#include "projects/entry.h"

#include "cleanup.h"
#include "db.h"
#include "json.h"
#include "projects/versions.h"

#include <stdio.h>
#include <string.h>

#define PACKAGE_JSON_MAX_BYTES (1024 * 1024)

static const char *const usual[] = {
	"index.js", "index.mjs", "server.js", "app.js", "main.js",
};

void entry_of_package_json(const char *text, size_t len, char ret_path[PATH_MAX_BYTES + 1])
{
	auto_json *package = NULL;
	struct err ignored;
	const char *path;

	ret_path[0] = '\0';
	if (json_parse(text, len, PACKAGE_JSON_MAX_BYTES, &package, &ignored)) {
		return;
	}
	path = json_string_value(json_object_get(package, "main"));
	while (path && !strncmp(path, "./", 2)) {
		path += 2;
	}
	if (path && !path_check(path, strlen(path), &ignored)) {
		snprintf(ret_path, PATH_MAX_BYTES + 1, "%s", path);
	}
}

static int has_file(struct app *app, const char *project_id, int64_t n, const char *path,
		    bool *ret_has, struct err *e)
{
	auto_db_result r = NULL;

	if (db_query(app->db,
		     "SELECT 1 FROM version_files WHERE project_id = $1 AND n = $2 AND path = $3",
		     DB_ARGS(db_text(project_id), db_int(n), db_text(path)), &r, e)) {
		return -1;
	}
	*ret_has = db_rows(r) > 0;
	return 0;
}

static int package_main(struct app *app, const char *project_id, int64_t n,
			char ret_path[PATH_MAX_BYTES + 1], struct err *e)
{
	auto_db_result r = NULL;
	const void *bytes;
	size_t len;

	ret_path[0] = '\0';
	if (db_query(app->db,
		     "SELECT b.bytes FROM version_files f JOIN blobs b USING (sha256)"
		     " WHERE f.project_id = $1 AND f.n = $2 AND f.path = 'package.json'",
		     DB_ARGS(db_text(project_id), db_int(n)), &r, e)) {
		return -1;
	}
	if (db_rows(r) == 0) {
		return 0;
	}
	if (db_get_bytes(r, 0, 0, &bytes, &len, e)) {
		return -1;
	}
	entry_of_package_json(bytes, len, ret_path);
	return 0;
}

/* A path that begins with a dash would be an option. */
static void write_arg(const char *path, char ret_arg[ENTRY_ARG_BYTES])
{
	snprintf(ret_arg, ENTRY_ARG_BYTES, "%s%s", path[0] == '-' ? "./" : "", path);
}

static int find_usual(struct app *app, const char *project_id, int64_t n,
		      char ret_arg[ENTRY_ARG_BYTES], struct err *e)
{
	char from_package[PATH_MAX_BYTES + 1];
	bool has = false;

	if (package_main(app, project_id, n, from_package, e) ||
	    (from_package[0] && has_file(app, project_id, n, from_package, &has, e))) {
		return -1;
	}
	if (has) {
		write_arg(from_package, ret_arg);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(usual); i++) {
		if (has_file(app, project_id, n, usual[i], &has, e)) {
			return -1;
		}
		if (has) {
			write_arg(usual[i], ret_arg);
			return 0;
		}
	}
	return err_set(e, ERR_UNPROCESSABLE,
		       "nothing to start: no \"main\" in package.json, no index.js, index.mjs, "
		       "server.js, app.js or main.js; name a file as entry");
}

int entry_find(struct app *app, const char *project_id, int64_t n, const char *wanted,
	       char ret_arg[ENTRY_ARG_BYTES], struct err *e)
{
	bool has;

	if (!wanted) {
		return find_usual(app, project_id, n, ret_arg, e);
	}
	if (path_check(wanted, strlen(wanted), e)) {
		return err_prefix(e, "entry");
	}
	if (has_file(app, project_id, n, wanted, &has, e)) {
		return -1;
	}
	if (!has) {
		return err_set(e, ERR_UNPROCESSABLE,
			       "the project has no file of the name given as "
			       "entry");
	}
	write_arg(wanted, ret_arg);
	return 0;
}
