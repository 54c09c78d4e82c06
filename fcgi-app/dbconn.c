#include "dbconn.h"

#include "config.h"
#include "db.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Beyond the time a statement may take: then the server is not slow but frozen. */
#define SILENCE_MS 1000

int dbconn_open(const struct config *config, const char *application_name, int64_t statement_ms,
		struct db **ret_db, struct err *e)
{
	const char *url = config_str(config, CFG_DATABASE_URL);
	char embedded[256], options[160];
	struct db *db;

	(void)snprintf(embedded, sizeof(embedded),
		       "host=%s/postgres dbname=slipway user=slipway_api",
		       config_str(config, CFG_RUN_DIR));
	(void)snprintf(options, sizeof(options),
		       "-c statement_timeout=%" PRId64 " -c lock_timeout=%" PRId64
		       " -c idle_in_transaction_session_timeout=60000 -c jit=off"
		       " -c client_min_messages=warning",
		       statement_ms, statement_ms);
	if (setenv("PGOPTIONS", options, 1) < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot set PGOPTIONS");
	}
	db = db_create(url[0] != '\0' ? url : embedded, application_name);
	if (!db) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	db_set_wait(db, statement_ms + SILENCE_MS);
	*ret_db = db;
	return 0;
}
