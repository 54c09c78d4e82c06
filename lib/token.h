#pragma once

/* Random tokens and their hashes (libsodium). A token is shown once; only its hash is stored. */

#include "err.h"

#include <stddef.h>

#define TOKEN_RANDOM_BYTES 32 /* 256 bits */
#define TOKEN_TEXT_BYTES   43 /* base64url without padding */
#define TOKEN_HASH_BYTES   32 /* BLAKE2b-256 */
#define TOKEN_HASH_HEX	   (TOKEN_HASH_BYTES * 2 + 1)

NODISCARD int token_global_init(struct err *e); /* sodium_init; once per process */

/* Writes prefix + TOKEN_TEXT_BYTES characters + NUL; cap must have room. */
void token_new(const char *prefix, char *ret_text, size_t cap);

/* 256 random bits in lower-case hex. */
void token_new_hex(char ret_hex[TOKEN_RANDOM_BYTES * 2 + 1]);

/* Lower-case hex of the hash of the whole token text, prefix included. */
void token_hash(const char *text, char ret_hex[TOKEN_HASH_HEX]);

/* SHA-256 of bytes in lower-case hex (65 bytes with NUL): the name of a blob. */
void sha256_hex(const void *bytes, size_t len, char ret_hex[65]);

/* A random (version 4) UUID in lower-case text (libuuid). */
#define UUID_TEXT_BYTES 37
void uuid_new(char ret_text[UUID_TEXT_BYTES]);
_Bool uuid_valid(const char *text); /* canonical lower- or upper-case form */
