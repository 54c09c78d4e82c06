#include "generate/late_summary.h"

#include "cleanup.h"
#include "db.h"
#include "generate/file_counts.h"
#include "generate/summary.h"
#include "json.h"

#define AT_ONCE	    50
#define PAGE_EVENTS 200

/* The events are our own: json_parse's limits are for strangers' JSON, and it takes no NUL. */
static int add_stored(struct summary *s, const char *type, const char *text, struct err *e)
{
	auto_json *data = json_loads(text, JSON_ALLOW_NUL, NULL);

	return json_is_object(data) ? summary_add(s, type, data, e) : 0;
}

static int read_events(struct summary *s, struct db *db, const char *id, struct err *e)
{
	int64_t after = 0;
	size_t rows;

	do {
		auto_db_result r = NULL;

		if (db_query(db,
			     "SELECT seq, type, data FROM generation_events"
			     " WHERE generation_id = $1 AND seq > $2::integer"
			     " AND type IN ('message', 'file', 'step', 'preview')"
			     " ORDER BY seq LIMIT $3",
			     DB_ARGS(db_text(id), db_int(after), db_int(PAGE_EVENTS)), &r, e) < 0) {
			return -1;
		}
		rows = db_rows(r);
		for (size_t i = 0; i < rows; i++) {
			after = db_get_int(r, i, 0);
			if (add_stored(s, db_get(r, i, 1), db_get(r, i, 2), e) < 0) {
				return -1;
			}
		}
	} while (rows == PAGE_EVENTS);
	return 0;
}

static int end_files(struct summary *s, struct err *e)
{
	json_t *data;
	int rc = 0;

	while (rc == 0 && (data = summary_unfinished(s))) {
		rc = summary_add(s, "file", data, e);
		json_decref(data);
	}
	return rc;
}

static int store(const struct summary *s, struct db *db, const char *id, struct err *e)
{
	auto_free char *text = summary_text(s);

	if (!text) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	return db_query(db,
			"UPDATE generations SET summary = $2, result = $3,"
			" reply = coalesce(reply, nullif($4, ''))"
			" WHERE id = $1 AND state <> 'running' AND summary IS NULL",
			DB_ARGS(db_text(id), db_text(text), db_text(summary_result(s)),
				db_text(s->reply.data)),
			NULL, e);
}

/* A row of (id, project_id, base_version, version or NULL). */
static int make_one(struct db *db, const struct db_result *r, size_t row, struct err *e)
{
	auto_summary summary = {0};
	const char *id = db_get(r, row, 0);

	if (summary_init(&summary, e) < 0 || read_events(&summary, db, id, e) < 0 ||
	    end_files(&summary, e) < 0) {
		return -1;
	}
	if (!db_is_null(r, row, 3) &&
	    file_counts_add(&summary, db, db_get(r, row, 1), db_get_int(r, row, 2),
			    db_get_int(r, row, 3), e) < 0) {
		return -1;
	}
	return store(&summary, db, id, e);
}

int late_summaries(struct db *db, int64_t *ret_made, struct err *e)
{
	auto_db_result r = NULL;

	if (db_query(db,
		     "SELECT id, project_id, base_version, version FROM generations"
		     " WHERE summary IS NULL AND state <> 'running' ORDER BY finished_at LIMIT $1",
		     DB_ARGS(db_int(AT_ONCE)), &r, e) < 0) {
		return -1;
	}
	for (size_t i = 0; i < db_rows(r); i++) {
		if (make_one(db, r, i, e) < 0) {
			return err_prefix(e, "generation %s", db_get(r, i, 0));
		}
	}
	*ret_made = (int64_t)db_rows(r);
	return 0;
}
