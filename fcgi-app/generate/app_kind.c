#include "generate/app_kind.h"

#include "cleanup.h"
#include "db.h"
#include "json.h"
#include "projects/entry.h"

#include <string.h>

#define PACKAGE_JSON_MAX_BYTES (1024 * 1024)

/* A script's text behind leading blanks, "" when there is none. */
static const char *script_of(const json_t *package, const char *name)
{
	const char *script =
		json_string_value(json_object_get(json_object_get(package, "scripts"), name));

	return script ? script + strspn(script, " \t") : "";
}

/* What a script `dev` is for; but `node server.js` does not do it. */
static bool script_watches(const char *dev)
{
	return dev[0] != '\0' && (strncmp(dev, "node ", 5) != 0 || strstr(dev, "--watch"));
}

static bool has_dependencies(const json_t *package)
{
	return json_object_size(json_object_get(package, "dependencies")) > 0 ||
	       json_object_size(json_object_get(package, "devDependencies")) > 0;
}

struct app_kind app_kind_of_package_json(const char *text, size_t len)
{
	auto_json *package = NULL;
	struct app_kind kind = {0};
	struct err ignored;

	if (json_parse(text, len, PACKAGE_JSON_MAX_BYTES, &package, &ignored) == 0) {
		kind.watches = script_watches(script_of(package, "dev"));
		kind.is_app = script_of(package, "dev")[0] != '\0' ||
			      (script_of(package, "start")[0] != '\0' && has_dependencies(package));
	}
	return kind;
}

static int read_files(struct app *app, const char *project_id, int64_t n, struct app_kind *ret,
		      bool *ret_has_page, struct err *e)
{
	auto_db_result r = NULL;

	*ret = (struct app_kind){0};
	*ret_has_page = false;
	if (db_query(app->db,
		     "SELECT f.path, CASE f.path WHEN 'package.json' THEN b.bytes END"
		     " FROM version_files f JOIN blobs b USING (sha256)"
		     " WHERE f.project_id = $1 AND f.n = $2"
		     " AND f.path IN ('package.json', 'index.html')",
		     DB_ARGS(db_text(project_id), db_int(n)), &r, e) < 0) {
		return -1;
	}
	for (size_t i = 0; i < db_rows(r); i++) {
		const void *bytes;
		size_t len;

		if (strcmp(db_get(r, i, 0), "index.html") == 0) {
			*ret_has_page = true;
			continue;
		}
		if (db_get_bytes(r, i, 1, &bytes, &len, e) < 0) {
			return -1;
		}
		*ret = app_kind_of_package_json(bytes, len);
	}
	return 0;
}

int app_kind_of_version(struct app *app, const char *project_id, int64_t n, struct app_kind *ret,
			struct err *e)
{
	char entry[ENTRY_ARG_BYTES];
	struct err none;
	bool has_page;

	if (read_files(app, project_id, n, ret, &has_page, e) < 0) {
		return -1;
	}
	if (ret->is_app || !has_page || entry_find(app, project_id, n, NULL, entry, &none) == 0) {
		return 0;
	}
	if (none.kind != ERR_UNPROCESSABLE) {
		*e = none;
		return -1;
	}
	ret->is_app = true;
	return 0;
}
