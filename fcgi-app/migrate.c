#include "migrate.h"

#include "cleanup.h"
#include "config.h"
#include "db.h"
#include "dbconn.h"
#include "fs.h"
#include "token.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATEMENT_MS   600000
#define FILE_MAX_BYTES (1024 * 1024)
#define ADVISORY_LOCK  5140779631 /* any number nobody else uses */

struct migration {
	int64_t version;
	char name[256]; /* of the file */
};

static bool is_migration(const char *name)
{
	size_t len = strlen(name);

	return len > 9 && len < 256 && isdigit((unsigned char)name[0]) &&
	       strspn(name, "0123456789") == 4 && name[4] == '_' &&
	       strcmp(name + len - 4, ".sql") == 0;
}

static int filter(const struct dirent *d)
{
	return is_migration(d->d_name);
}

static int make_table(struct db *db, struct err *e)
{
	return db_script(db,
			 "CREATE TABLE IF NOT EXISTS schema_migrations ("
			 " version integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,"
			 " applied_at timestamptz NOT NULL DEFAULT now())",
			 e);
}

/* The API reads it for /readyz; 0001 has granted the role all tables there were. */
static int restrict_table(struct db *db, struct err *e)
{
	return db_script(
		db,
		"DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'slipway_api')"
		" THEN REVOKE ALL ON schema_migrations FROM slipway_api;"
		" GRANT SELECT ON schema_migrations TO slipway_api; END IF; END $$",
		e);
}

static int apply(struct db *db, const struct migration *m, const char *sql, const char *checksum,
		 struct err *e)
{
	if (db_begin(db, e) < 0) {
		return -1;
	}
	if (db_script(db, sql, e) < 0 ||
	    db_query(db,
		     "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)",
		     DB_ARGS(db_int(m->version), db_text(m->name), db_text(checksum)), NULL,
		     e) < 0 ||
	    db_commit(db, e) < 0) {
		db_rollback(db);
		return -1;
	}
	printf("applied %s\n", m->name);
	return 0;
}

/* 1 applied before and unchanged, 0 new, -1. */
static int applied(struct db *db, const struct migration *m, const char *checksum, struct err *e)
{
	auto_db_result r = NULL;

	if (db_query(db, "SELECT checksum FROM schema_migrations WHERE version = $1",
		     DB_ARGS(db_int(m->version)), &r, e) < 0) {
		return -1;
	}
	if (db_rows(r) == 0) {
		return 0;
	}
	if (strcmp(db_get(r, 0, 0), checksum) != 0) {
		return err_set(
			e, ERR_CONFLICT,
			"it was applied before and has been changed since; put it back and add"
			" a new migration instead");
	}
	return 1;
}

static int migrate_one(struct db *db, const char *dir, const char *name, struct err *e)
{
	struct migration m = {.version = strtoll(name, NULL, 10)};
	char path[1024], checksum[65];
	auto_strbuf sql;
	int done;

	strbuf_init(&sql, FILE_MAX_BYTES);
	(void)snprintf(m.name, sizeof(m.name), "%s", name);
	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (fs_read(path, &sql, e) < 0) {
		return -1;
	}
	sha256_hex(sql.data, sql.len, checksum);
	done = applied(db, &m, checksum, e);
	if (done < 0 || (done == 0 && apply(db, &m, sql.data, checksum, e) < 0)) {
		return err_prefix(e, "migration %s", name);
	}
	return 0;
}

static int migrate_all(struct db *db, const char *dir, struct dirent **names, int n, struct err *e)
{
	if (db_query(db, "SELECT pg_advisory_lock($1)", DB_ARGS(db_int(ADVISORY_LOCK)), NULL, e) <
		    0 ||
	    make_table(db, e) < 0) {
		return -1;
	}
	for (int i = 0; i < n; i++) {
		if (migrate_one(db, dir, names[i]->d_name, e) < 0) {
			return -1;
		}
	}
	/* The lock ends with the connection. */
	return restrict_table(db, e);
}

int migrate_run(const struct config *config, const char *dir, struct err *e)
{
	struct dirent **names = NULL;
	struct db *db = NULL;
	int n = scandir(dir, &names, filter, alphasort);
	int rc = -1;

	if (n < 0) {
		return err_errno(e, ERR_INVALID, "cannot read the directory %s", dir);
	}
	if (n == 0) {
		err_set(e, ERR_INVALID, "%s holds no migrations", dir);
	} else if (dbconn_open(config, "slipway-api --migrate", STATEMENT_MS, &db, e) == 0) {
		rc = migrate_all(db, dir, names, n, e);
	}
	for (int i = 0; i < n; i++) {
		free(names[i]);
	}
	free(names);
	db_destroy(db);
	return rc;
}
