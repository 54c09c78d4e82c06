#pragma once

/*
 * Passwords: argon2id by libsodium with 12 MiB and 3 passes, which OWASP ranks with 19 MiB and 2
 * passes; measured 13 against 20 ms of CPU. Logins must stay quick while sandboxes keep every core
 * busy.
 */

#include "err.h"

#include <stdbool.h>

#define PASSWORD_MIN_BYTES  8
#define PASSWORD_MAX_BYTES  1024
#define PASSWORD_HASH_BYTES 128

NODISCARD int password_hash(const char *password, char ret_hash[PASSWORD_HASH_BYTES],
			    struct err *e);

/* `hash` NULL or "": false, after the same work as for a real one, so that time does not tell
 * whether an account exists. */
bool password_verify(const char *hash, const char *password);
