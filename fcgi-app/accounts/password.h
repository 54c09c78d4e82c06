#pragma once

/* Passwords: argon2id by libsodium, with OWASP's second setting (19 MiB, 2 passes): about 20 ms
 * here. */

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
