#include "grant.h"

#include <sodium.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <uuid/uuid.h>

#define VERSION		1
#define MAC_BYTES	32
#define SHARE_MAC_BYTES 16
#define BASE64		sodium_base64_VARIANT_URLSAFE_NO_PADDING

/* What is sealed; big-endian, fixed length. */
struct sealed {
	unsigned char version, level;
	unsigned char project_id[16], subject[16];
	unsigned char expires_s[8];
	unsigned char mac[MAC_BYTES];
};
_Static_assert(sizeof(struct sealed) == 74, "no padding");

struct share_token {
	unsigned char share_id[16];
	unsigned char mac[SHARE_MAC_BYTES];
};

/* Each use of the key has a name of its own in what is authenticated. */
static void mac_of(const unsigned char *key, const char *use, const void *bytes, size_t len,
		   unsigned char *ret, size_t ret_len)
{
	crypto_generichash_state st;

	(void)crypto_generichash_init(&st, key, GRANT_KEY_BYTES, ret_len);
	(void)crypto_generichash_update(&st, (const unsigned char *)use, strlen(use) + 1);
	(void)crypto_generichash_update(&st, bytes, len);
	(void)crypto_generichash_final(&st, ret, ret_len);
}

/* Exactly `want` bytes out of unpadded base64url, in its one spelling. */
static bool decode(const char *text, size_t len, void *ret, size_t want)
{
	char again[GRANT_TEXT_BYTES];
	const char *end;
	size_t n;

	if (len >= sizeof(again) ||
	    sodium_base642bin(ret, want, text, len, NULL, &n, &end, BASE64) != 0 || n != want ||
	    end != text + len) {
		return false;
	}
	sodium_bin2base64(again, sizeof(again), ret, want, BASE64);
	return strlen(again) == len && memcmp(again, text, len) == 0;
}

int grant_seal(const unsigned char key[GRANT_KEY_BYTES], const struct grant *g,
	       char ret_text[GRANT_TEXT_BYTES], struct err *e)
{
	struct sealed s = {.version = VERSION, .level = (unsigned char)g->level};

	if (uuid_parse(g->project_id, s.project_id) != 0 ||
	    uuid_parse(g->subject, s.subject) != 0) {
		return err_set(e, ERR_INTERNAL, "a grant of something that is no UUID");
	}
	for (int i = 0; i < 8; i++) {
		s.expires_s[i] = (unsigned char)((uint64_t)g->expires_s >> (56 - 8 * i));
	}
	mac_of(key, "grant", &s, offsetof(struct sealed, mac), s.mac, sizeof(s.mac));
	sodium_bin2base64(ret_text, GRANT_TEXT_BYTES, (const unsigned char *)&s, sizeof(s), BASE64);
	return 0;
}

int grant_open(const unsigned char key[GRANT_KEY_BYTES], const char *text, size_t len,
	       int64_t now_s, struct grant *ret, struct err *e)
{
	unsigned char mac[MAC_BYTES];
	uint64_t expires_s = 0;
	struct sealed s;

	if (!decode(text, len, &s, sizeof(s))) {
		return err_set(e, ERR_UNAUTHENTICATED, "this is no grant");
	}
	mac_of(key, "grant", &s, offsetof(struct sealed, mac), mac, sizeof(mac));
	if (sodium_memcmp(mac, s.mac, sizeof(mac)) != 0 || s.version != VERSION ||
	    (s.level != GRANT_OWNER && s.level != GRANT_SHARE)) {
		return err_set(e, ERR_UNAUTHENTICATED, "this grant is not ours");
	}
	for (int i = 0; i < 8; i++) {
		expires_s = expires_s << 8 | s.expires_s[i];
	}
	if ((int64_t)expires_s <= now_s) {
		return err_set(e, ERR_UNAUTHENTICATED, "the grant has expired");
	}
	*ret = (struct grant){.level = (enum grant_level)s.level, .expires_s = (int64_t)expires_s};
	uuid_unparse_lower(s.project_id, ret->project_id);
	uuid_unparse_lower(s.subject, ret->subject);
	return 0;
}

int grant_share_token(const unsigned char key[GRANT_KEY_BYTES], const char *share_id,
		      char ret_token[SHARE_TOKEN_BYTES], struct err *e)
{
	struct share_token t;

	if (uuid_parse(share_id, t.share_id) != 0) {
		return err_set(e, ERR_INTERNAL, "a share that has no UUID");
	}
	mac_of(key, "share", t.share_id, sizeof(t.share_id), t.mac, sizeof(t.mac));
	sodium_bin2base64(ret_token, SHARE_TOKEN_BYTES, (const unsigned char *)&t, sizeof(t),
			  BASE64);
	return 0;
}

int grant_share_id(const unsigned char key[GRANT_KEY_BYTES], const char *token,
		   char ret_share_id[UUID_TEXT_BYTES], struct err *e)
{
	unsigned char mac[SHARE_MAC_BYTES];
	struct share_token t;

	if (decode(token, strlen(token), &t, sizeof(t))) {
		mac_of(key, "share", t.share_id, sizeof(t.share_id), mac, sizeof(mac));
		if (sodium_memcmp(mac, t.mac, sizeof(mac)) == 0) {
			uuid_unparse_lower(t.share_id, ret_share_id);
			return 0;
		}
	}
	return err_set(e, ERR_NOT_FOUND, "there is no such link");
}
