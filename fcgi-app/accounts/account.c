#include "accounts/account.h"

#include "accounts/password.h"
#include "db.h"
#include "http/authn.h"
#include "http/response.h"
#include "token.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FAILURES_FREE 5
#define PREFIX_SHOWN  8 /* characters of a key kept to recognise it by */

static bool email_char_ok(char c)
{
	return c > 0x20 && c < 0x7f && c != '"' && c != ',' && c != ';' && c != '<' && c != '>';
}

int account_email(const char *email, char buf[EMAIL_MAX_BYTES + 1], struct err *e)
{
	size_t len = strlen(email);
	const char *at = strchr(email, '@');

	if (len > EMAIL_MAX_BYTES || !at || at == email || at[1] == '\0' || strchr(at + 1, '@')) {
		return err_set(e, ERR_INVALID, "email must be an address such as ada@example.com");
	}
	for (size_t i = 0; i < len; i++) {
		char c = email[i];

		if (!email_char_ok(c)) {
			return err_set(e, ERR_INVALID, "email holds a character it must not");
		}
		buf[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	buf[len] = '\0';
	return 0;
}

int account_audit(struct db *db, const char *user_id, const char *action, const char *target,
		  const char *address, const char *detail, struct err *e)
{
	return db_query(db,
			"INSERT INTO audit_log (user_id, action, target, address, detail)"
			" VALUES ($1, $2, $3, $4, $5::jsonb)",
			DB_ARGS(db_text(user_id), db_text(action), db_text(target),
				db_text(address), db_text(detail)),
			NULL, e);
}

int account_locked(struct response *rs, int64_t seconds, struct err *e)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRId64, seconds);
	response_header(rs, "Retry-After", text);
	return err_set(e, ERR_RATE_LIMITED,
		       "too many wrong passwords for this email; try again in %s s", text);
}

int account_wrong_password(struct db *db, const char *email, const char *user_id,
			   const char *action, const char *address, struct err *e)
{
	/* Locked for 30 s, 60 s, … at most 15 min. The last term keeps the power small. */
	return db_query(
		db,
		"WITH counted AS (INSERT INTO password_failures AS f (email, failed)"
		" VALUES ($1, 1) ON CONFLICT (email) DO UPDATE SET failed = f.failed + 1,"
		" last_at = now(), locked_until = CASE WHEN f.failed + 1 < $2::int THEN NULL ELSE"
		" now() + least(interval '15 minutes', interval '30 seconds' *"
		" power(2, least(f.failed + 1 - $2::int, 10))) END)"
		" INSERT INTO audit_log (user_id, action, address) VALUES ($3::uuid, $4, $5)",
		DB_ARGS(db_text(email), db_int(FAILURES_FREE), db_text(user_id[0] ? user_id : NULL),
			db_text(action), db_text(address)),
		NULL, e);
}

int account_unlock(struct db *db, const char *user_id, struct err *e)
{
	return db_query(db,
			"DELETE FROM password_failures"
			" WHERE email = (SELECT email FROM users WHERE id = $1)",
			DB_ARGS(db_text(user_id)), NULL, e);
}

int account_new_key(struct db *db, const char *user_id, const char *name,
		    char ret_key[API_KEY_TEXT_BYTES], char ret_id[37], struct err *e)
{
	auto_db_result r = NULL;
	char key[API_KEY_TEXT_BYTES], hash[TOKEN_HASH_HEX], prefix[PREFIX_SHOWN + 1];

	token_new(API_KEY_PREFIX, key, sizeof(key));
	token_hash(key, hash);
	(void)snprintf(prefix, sizeof(prefix), "%.*s", PREFIX_SHOWN, key);
	if (db_query(db,
		     "INSERT INTO api_keys (user_id, name, prefix, hash) VALUES ($1, $2, $3, $4)"
		     " RETURNING id",
		     DB_ARGS(db_text(user_id), db_text(name), db_text(prefix), db_text(hash)), &r,
		     e) < 0) {
		return -1;
	}
	memcpy(ret_key, key, sizeof(key));
	(void)snprintf(ret_id, 37, "%s", db_get(r, 0, 0));
	return 0;
}
