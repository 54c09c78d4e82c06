#include "accounts/password.h"

#include <sodium.h>
#include <string.h>

#define PASSES	     3
#define MEMORY_BYTES (12u * 1024 * 1024)

_Static_assert(PASSWORD_HASH_BYTES >= crypto_pwhash_STRBYTES, "a hash must fit");

int password_hash(const char *password, char ret_hash[PASSWORD_HASH_BYTES], struct err *e)
{
	if (sodium_init() < 0 ||
	    crypto_pwhash_str(ret_hash, password, strlen(password), PASSES, MEMORY_BYTES) != 0) {
		return err_set(e, ERR_INTERNAL, "no memory to hash a password");
	}
	return 0;
}

/* Of a random password nobody knows; made once per process. */
static const char *nobodys_hash(void)
{
	static char hash[PASSWORD_HASH_BYTES];
	struct err ignored;

	if (hash[0] == '\0') {
		char secret[33];

		randombytes_buf(secret, sizeof(secret));
		for (size_t i = 0; i < sizeof(secret) - 1; i++) {
			secret[i] |= 1; /* a NUL would end it early */
		}
		secret[sizeof(secret) - 1] = '\0';
		if (password_hash(secret, hash, &ignored) < 0) {
			hash[0] = '\0';
		}
	}
	return hash;
}

bool password_verify(const char *hash, const char *password)
{
	bool real = hash && hash[0] != '\0';
	bool same;

	if (sodium_init() < 0) {
		return false;
	}
	same = crypto_pwhash_str_verify(real ? hash : nobodys_hash(), password, strlen(password)) ==
	       0;
	return real && same;
}
