#pragma once

/* What a share link is made or changed with, checked. */

#include "accounts/password.h"
#include "err.h"
#include "json.h"

#include <stdbool.h>
#include <stdint.h>

#define SHARE_NAME_CHARS_MAX 100

struct share_body {
	const char *name; /* NULL: not given */
	const char *expires_at;
	int64_t expires_in_s; /* 0: not given */
	const char *password;
};

struct share_change {
	const char *name; /* NULL: as it is */
	bool sets_expiry, sets_password;
	int64_t expires_s;			 /* Unix time; 0: never */
	char password_hash[PASSWORD_HASH_BYTES]; /* "": none */
};

/* `name` points into `object`. An expiry or password given as null is taken away. */
NODISCARD int share_change_of(const json_t *object, int64_t now_s, struct share_change *ret,
			      struct err *e);

/* Unix time of an RFC 3339 date and time, fractions cut off. */
NODISCARD int rfc3339_parse(const char *text, int64_t *ret_s, struct err *e);
