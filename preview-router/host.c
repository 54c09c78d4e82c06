#include "host.h"

#include <string.h>

#define NAME_MAX_BYTES 253 /* RFC 1035, without the root's dot */
#define PORT_DIGITS    5

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Length without ":port"; 0: what follows the colon is no port. */
static size_t without_port(const char *text, size_t len)
{
	size_t digits = 0;

	while (digits < len && digits <= PORT_DIGITS && is_digit(text[len - 1 - digits])) {
		digits++;
	}
	if (digits < len && text[len - 1 - digits] == ':') {
		return digits > 0 && digits <= PORT_DIGITS ? len - 1 - digits : 0;
	}
	return len;
}

/* Lower-case letters, digits and inner hyphens. */
static bool is_label(const char *text, size_t len)
{
	if (len == 0 || len >= HOST_SLUG_BYTES || text[0] == '-' || text[len - 1] == '-') {
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		if (!is_digit(text[i]) && !(text[i] >= 'a' && text[i] <= 'z') && text[i] != '-') {
			return false;
		}
	}
	return true;
}

/* "3000--" at the start: its length, the port in *ret. A slug never has two hyphens together. */
static size_t port_prefix(const char *label, size_t len, uint16_t *ret)
{
	uint32_t port = 0;
	size_t n = 0;

	while (n < len && n < PORT_DIGITS && is_digit(label[n])) {
		port = port * 10 + (uint32_t)(label[n] - '0');
		n++;
	}
	if (n == 0 || label[0] == '0' || port > UINT16_MAX || n + 2 >= len || label[n] != '-' ||
	    label[n + 1] != '-') {
		return 0;
	}
	*ret = (uint16_t)port;
	return n + 2;
}

bool host_parse(const char *text, size_t len, const char *domain, struct host *ret)
{
	size_t domain_len = strlen(domain), label_len, prefix;
	char name[NAME_MAX_BYTES + 1];
	struct host host = {.inner_port = 0};

	len = len <= NAME_MAX_BYTES + 1 + 1 + PORT_DIGITS ? without_port(text, len) : 0;
	if (len > 0 && text[len - 1] == '.') {
		len--;
	}
	if (len > NAME_MAX_BYTES || len <= domain_len + 1) {
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		name[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] - 'A' + 'a') : text[i];
	}
	label_len = len - domain_len - 1;
	if (name[label_len] != '.' || memcmp(name + label_len + 1, domain, domain_len) != 0 ||
	    !is_label(name, label_len)) {
		return false;
	}
	prefix = port_prefix(name, label_len, &host.inner_port);
	if (!is_label(name + prefix, label_len - prefix)) {
		return false;
	}
	host.slug_len = label_len - prefix;
	memcpy(host.slug, name + prefix, host.slug_len);
	*ret = host;
	return true;
}
