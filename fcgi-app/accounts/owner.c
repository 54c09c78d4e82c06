/* slipway-api --create-owner and --has-owner */

#include "accounts/account.h"
#include "accounts/password.h"
#include "db.h"
#include "dbconn.h"
#include "token.h"

#include <stdio.h>
#include <string.h>

#define STATEMENT_MS 10000

static int read_password(char buf[PASSWORD_MAX_BYTES + 2], struct err *e)
{
	size_t len;

	if (!fgets(buf, PASSWORD_MAX_BYTES + 2, stdin)) {
		return err_set(e, ERR_INVALID, "give the password on standard input");
	}
	len = strcspn(buf, "\r\n");
	buf[len] = '\0';
	if (len < PASSWORD_MIN_BYTES || len > PASSWORD_MAX_BYTES) {
		return err_set(e, ERR_INVALID, "the password must have %d to %d bytes",
			       PASSWORD_MIN_BYTES, PASSWORD_MAX_BYTES);
	}
	return 0;
}

/* The owner of that address, or else the first one there was: an owner may have changed it. */
static int find_owner(struct db *db, const char *email, char ret_id[UUID_TEXT_BYTES],
		      bool *ret_found, struct err *e)
{
	auto_db_result r = NULL;

	if (db_query(db,
		     "SELECT id FROM users WHERE role = 'owner' AND deleted_at IS NULL"
		     " ORDER BY email = $1 DESC, created_at, id LIMIT 1",
		     DB_ARGS(db_text(email)), &r, e) < 0) {
		return -1;
	}
	*ret_found = db_rows(r) == 1;
	if (*ret_found) {
		(void)snprintf(ret_id, UUID_TEXT_BYTES, "%s", db_get(r, 0, 0));
	}
	return 0;
}

static int make_owner(struct db *db, const char *email, char ret_id[UUID_TEXT_BYTES], struct err *e)
{
	char password[PASSWORD_MAX_BYTES + 2], hash[PASSWORD_HASH_BYTES];
	auto_db_result r = NULL;

	if (read_password(password, e) < 0 || password_hash(password, hash, e) < 0 ||
	    db_query(db,
		     "INSERT INTO users (email, password_hash, role) VALUES ($1, $2, 'owner')"
		     " RETURNING id",
		     DB_ARGS(db_text(email), db_text(hash)), &r, e) < 0) {
		if (e->kind == ERR_CONFLICT) {
			(void)err_set(e, ERR_CONFLICT, "%s exists, but is not an owner", email);
		}
		return -1;
	}
	(void)snprintf(ret_id, UUID_TEXT_BYTES, "%s", db_get(r, 0, 0));
	return account_audit(db, ret_id, "user_created", ret_id, "", "{\"by\":\"command line\"}",
			     e);
}

static int create_owner(struct db *db, const char *given, const char *key_name, struct err *e)
{
	char email[EMAIL_MAX_BYTES + 1], id[UUID_TEXT_BYTES], key_id[UUID_TEXT_BYTES];
	char key[API_KEY_TEXT_BYTES];
	bool found;

	if (account_email(given, email, e) < 0 || db_begin(db, e) < 0) {
		return -1;
	}
	if (find_owner(db, email, id, &found, e) < 0 ||
	    (!found && make_owner(db, email, id, e) < 0) ||
	    (key_name && account_new_key(db, id, key_name, key, key_id, e) < 0) ||
	    db_commit(db, e) < 0) {
		db_rollback(db);
		return -1;
	}
	if (key_name && (printf("%s\n", key) < 0 || fflush(stdout) != 0)) {
		return err_errno(e, ERR_INTERNAL, "cannot write the key");
	}
	return 0;
}

int account_create_owner(const struct config *config, const char *email, const char *key_name,
			 struct err *e)
{
	struct db *db;
	int rc;

	if (dbconn_open(config, "slipway-api --create-owner", STATEMENT_MS, &db, e) < 0) {
		return -1;
	}
	rc = create_owner(db, email, key_name, e);
	db_destroy(db);
	return rc;
}

int account_print_has_owner(const struct config *config, struct err *e)
{
	char id[UUID_TEXT_BYTES];
	struct db *db;
	bool found;
	int rc;

	if (dbconn_open(config, "slipway-api --has-owner", STATEMENT_MS, &db, e) < 0) {
		return -1;
	}
	rc = find_owner(db, "", id, &found, e);
	db_destroy(db);
	if (rc == 0 && puts(found ? "yes" : "no") < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot write the answer");
	}
	return rc;
}
