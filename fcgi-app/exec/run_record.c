#include "exec/run_record.h"

#include "db.h"
#include "log.h"

void run_record(struct app *app, const char *run_id, const char *user_id, const char *project_id,
		const char *generation_id, const char *sandbox_id, const struct run_result *result)
{
	static const char sql[] =
		"INSERT INTO runs (id, user_id, project_id, generation_id, sandbox_id, exit_code,"
		" signal, timed_out, truncated, oom_killed, listening, duration_ms, output_bytes)"
		" SELECT $1::uuid, $2::uuid, $3::uuid, $4::uuid, $5::uuid, $6::integer, $7::text,"
		" $8::boolean, $9::boolean, $10::boolean, $11::boolean, $12::integer, $13::bigint"
		" FROM (SELECT set_config('synchronous_commit', 'off', true)) AS m";
	struct err e;

	if (db_query(app->db, sql,
		     DB_ARGS(db_text(run_id), db_text(user_id), db_text(project_id),
			     db_text(generation_id), db_text(sandbox_id),
			     result->signal[0] ? db_null() : db_int(result->exit_code),
			     result->signal[0] ? db_text(result->signal) : db_null(),
			     db_bool(result->timed_out), db_bool(result->truncated),
			     db_bool(result->oom_killed), db_bool(result->listening),
			     db_int(result->duration_ms), db_int(result->output_bytes)),
		     NULL, &e)) {
		log_err(LOG_WARN, "run_not_recorded", &e);
	}
}
