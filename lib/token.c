#include "token.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <uuid/uuid.h>

int token_global_init(struct err *e)
{
	if (sodium_init() < 0) {
		return err_set(e, ERR_INTERNAL, "libsodium cannot start");
	}
	return 0;
}

void token_new(const char *prefix, char *ret_text, size_t cap)
{
	unsigned char raw[TOKEN_RANDOM_BYTES];
	char text[TOKEN_TEXT_BYTES + 1];

	randombytes_buf(raw, sizeof(raw));
	sodium_bin2base64(text, sizeof(text), raw, sizeof(raw),
			  sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	(void)snprintf(ret_text, cap, "%s%s", prefix, text);
	sodium_memzero(raw, sizeof(raw));
	sodium_memzero(text, sizeof(text));
}

void token_new_hex(char ret_hex[TOKEN_RANDOM_BYTES * 2 + 1])
{
	unsigned char raw[TOKEN_RANDOM_BYTES];

	randombytes_buf(raw, sizeof(raw));
	(void)sodium_bin2hex(ret_hex, TOKEN_RANDOM_BYTES * 2 + 1, raw, sizeof(raw));
}

void token_hash(const char *text, char ret_hex[TOKEN_HASH_HEX])
{
	unsigned char hash[TOKEN_HASH_BYTES];

	crypto_generichash(hash, sizeof(hash), (const unsigned char *)text, strlen(text), NULL, 0);
	sodium_bin2hex(ret_hex, TOKEN_HASH_HEX, hash, sizeof(hash));
}

void sha256_hex(const void *bytes, size_t len, char ret_hex[65])
{
	unsigned char hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(hash, bytes, len);
	sodium_bin2hex(ret_hex, 65, hash, sizeof(hash));
}

void uuid_new(char ret_text[UUID_TEXT_BYTES])
{
	uuid_t u;

	uuid_generate_random(u);
	uuid_unparse_lower(u, ret_text);
}

_Bool uuid_valid(const char *text)
{
	uuid_t u;

	return strlen(text) == UUID_TEXT_BYTES - 1 && uuid_parse(text, u) == 0;
}
