#pragma once

/* What handlers of accounts and the command line share. */

#include "app.h"
#include "err.h"

#include <stdbool.h>
#include <stdint.h>

#define EMAIL_MAX_BYTES 254

/* A user as the API shows it, from users. Needs projects/sql.h. */
#define SQL_USER_JSON                                                                              \
	"json_build_object('id', id, 'email', email, 'role', role, 'created_at', " SQL_TIME(       \
		"created_at") ")::text"

/* Lower-cases `email` into buf (EMAIL_MAX_BYTES + 1). ERR_INVALID unless it looks like an address:
 * printable ASCII without spaces, one '@' with something on both sides. */
NODISCARD int account_email(const char *email, char buf[EMAIL_MAX_BYTES + 1], struct err *e);

struct db;

/* One row of audit_log. `detail` is JSON text. */
NODISCARD int account_audit(struct db *db, const char *user_id, const char *action,
			    const char *target, const char *address, const char *detail,
			    struct err *e);

/* Seconds an address stays locked because of wrong passwords, 0: it is not; from password_failures,
 * also where an outer join found no row. */
#define SQL_LOCKED_S "ceil(extract(epoch FROM greatest(locked_until - now(), '0')))::bigint"

struct response;

/* Refuses to look at a password now: ERR_RATE_LIMITED with Retry-After. Returns -1. */
int account_locked(struct response *rs, int64_t seconds, struct err *e);

/* Counts a wrong password for `email`, and writes it to audit_log as `action`; the fifth in a row
 * locks the address, each further one twice as long. user_id "": there is no account of it, which
 * makes no difference that a caller could see. */
NODISCARD int account_wrong_password(struct db *db, const char *email, const char *user_id,
				     const char *action, const char *address, struct err *e);

/* Forgets wrong passwords for the address this user has now: there is a new password. */
NODISCARD int account_unlock(struct db *db, const char *user_id, struct err *e);

/* Makes an API key; its text, shown only now, into ret_key (API_KEY_TEXT_BYTES). */
#define API_KEY_TEXT_BYTES 64
NODISCARD int account_new_key(struct db *db, const char *user_id, const char *name,
			      char ret_key[API_KEY_TEXT_BYTES], char ret_id[37], struct err *e);

struct config;

/*
 * `slipway-api --create-owner`: makes the first owner, with the password of a line of stdin;
 * changes nothing when there is one. With key_name, a new API key of the owner goes to stdout.
 */
NODISCARD int account_create_owner(const struct config *config, const char *email,
				   const char *key_name, struct err *e);

/* `slipway-api --has-owner`: "yes" or "no" to stdout. */
NODISCARD int account_print_has_owner(const struct config *config, struct err *e);
