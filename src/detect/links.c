/*
 * links.c
 *		E-mail addresses, URLs and IPv6 addresses: found from a sign in their middle.
 *
 * From @, :// or : the beginning is looked for backwards over the characters that may stand
 * there, at most MAX_BACK of them, so that no text makes it quadratic.
 */
#include "postgres.h"

#include <arpa/inet.h>
#include <ctype.h>

#include "detect/chars.h"
#include "detect/scan.h"

#define MAX_BACK 80
#define MAX_HOST 255

static void find_email(PhigScan *scan, int i);
static size_t find_url(PhigScan *scan, int i);
static size_t find_host(PhigScan *scan, int i);
static size_t find_ipv6(PhigScan *scan, int i, size_t done);
static size_t url_end(const PhigScan *scan, size_t at);
static size_t host_end(const PhigScan *scan, size_t at, int *dots);
static bool is_top_level(const char *s, size_t len);

void
phig_find_links(PhigScan *scan)
{
	size_t		done = 0;

	for (int i = 0; i < scan->n; i++)
	{
		const PhigToken *token = &scan->tokens[i];

		/* inside a URL nothing else is looked for */
		if (token->start < done)
			continue;
		if (token->sign == '@')
			find_email(scan, i);
		else if (token->sign == ':')
		{
			if (token->end + 1 < scan->len && scan->text[token->end] == '/' && scan->text[token->end + 1] == '/')
				done = find_url(scan, i);
			else if (token->end < scan->len && (is_alnum(scan->text[token->end]) || scan->text[token->end] == ':'))
				done = find_ipv6(scan, i, done);
		}
		else if (token->type == PHIG_WORD && token->end + 1 < scan->len && scan->text[token->end] == '.' &&
				 is_alnum(scan->text[token->end + 1]) && token->gap != PHIG_GAP_NONE)
			done = find_host(scan, i);
	}
}

static bool
is_local(char c)
{
	return is_alnum(c) || (unsigned char) c >= 0x80 || (c != '\0' && strchr("._%+-'!#$&*/=?^`{|}~", c) != NULL);
}

/* local@host; the local part does not begin with a sign that opens or quotes. */
static void
find_email(PhigScan *scan, int i)
{
	size_t		at = scan->tokens[i].start;
	size_t		start = at;
	size_t		end;
	int			dots;

	while (start > 0 && at - start < MAX_BACK && is_local(scan->text[start - 1]))
		start--;
	while (start < at && !is_alnum(scan->text[start]) && (unsigned char) scan->text[start] < 0x80)
		start++;
	/* key=value and path/value */
	for (size_t j = at; j > start; j--)
		if (strchr("=/|", scan->text[j - 1]) != NULL)
		{
			start = j;
			break;
		}
	/* "mailto:" is no part of it, and does not get here, since : ends the local part */
	end = host_end(scan, at + 1, &dots);
	if (start == at || end == at + 1)
		return;
	if (dots == 0)
		return;
	phig_add(scan, start, end, "email", NULL, "email", 0.95f);
}

/* scheme://rest; returns where it ends. */
static size_t
find_url(PhigScan *scan, int i)
{
	size_t		start = scan->tokens[i].start;
	size_t		end = url_end(scan, scan->tokens[i].start + 3);

	while (start > 0 && scan->tokens[i].start - start < 12 && is_alnum(scan->text[start - 1]))
		start--;
	if (start < scan->tokens[i].start && end > scan->tokens[i].start + 3)
		phig_add(scan, start, end, "url", NULL, "url", 0.95f);
	return end;
}

/* www.host, or host/path with a top-level domain that is one; returns where it ends, 0 when there is none. */
static size_t
find_host(PhigScan *scan, int i)
{
	const PhigToken *token = &scan->tokens[i];
	const char *s = scan->text + token->start;
	int			dots;
	size_t		end = host_end(scan, token->start, &dots);
	bool		www = phig_token_len(token) == 3 && pg_strncasecmp(s, "www", 3) == 0 && dots >= 2;
	size_t		dot = end;

	if (dots == 0 || (end < scan->len && scan->text[end] == '@'))
		return 0;
	while (dot > token->start && scan->text[dot - 1] != '.')
		dot--;
	if (!www && !is_top_level(scan->text + dot, end - dot))
		return 0;
	if (www || (end < scan->len && scan->text[end] == '/'))
	{
		end = Max(end, url_end(scan, end));
		phig_add(scan, token->start, end, "url", NULL, "url", www ? 0.9f : 0.7f);
	}
	else
		phig_add(scan, token->start, end, "url", NULL, "url", 0.4f);
	return end;
}

/* The server's parsers are no use here, since they raise errors: inet_pton is what they go by. */
static size_t
find_ipv6(PhigScan *scan, int i, size_t done)
{
	char		address[INET6_ADDRSTRLEN];
	unsigned char binary[16];
	size_t		colon = scan->tokens[i].start;
	size_t		start = colon,
				end = colon;
	int			groups = 0;

	if (colon < done)
		return done;
	while (start > done && colon - start < 5 && isxdigit((unsigned char) scan->text[start - 1]))
		start--;
	while (end < scan->len && end - start < sizeof(address) - 1 &&
		   (isxdigit((unsigned char) scan->text[end]) || scan->text[end] == ':' || scan->text[end] == '.'))
	{
		groups += scan->text[end] == ':';
		end++;
	}
	done = end;
	while (end > start && (scan->text[end - 1] == '.' || (scan->text[end - 1] == ':' &&
														  scan->text[end - 2] != ':')))
		end--;
	if (groups < 2 || end - start < 4 || (end < scan->len && is_alnum(scan->text[end])) ||
		(start > 0 && is_alnum(scan->text[start - 1])))
		return done;
	memcpy(address, scan->text + start, end - start);
	address[end - start] = '\0';
	if (inet_pton(AF_INET6, address, binary) != 1 || strpbrk(address, "0123456789") == NULL)
		return done;
	if (end < scan->len && scan->text[end] == '%')
		for (end++; end < scan->len && is_alnum(scan->text[end]); end++)
			;
	if (end + 1 < scan->len && scan->text[end] == '/' && is_digit(scan->text[end + 1]))
		for (end++; end < scan->len && is_digit(scan->text[end]); end++)
			;
	phig_add(scan, start, end, "ip", "v6", "ipv6", groups > 2 ? 0.9f : 0.6f);
	return end;
}

/* Up to white space or a quote, without the punctuation of the sentence and brackets that were opened before. */
static size_t
url_end(const PhigScan *scan, size_t at)
{
	size_t		end = at;
	int			round = 0;

	while (end < scan->len && (unsigned char) scan->text[end] > ' ' &&
		   strchr("\"<>`{}|\\^", scan->text[end]) == NULL)
	{
		round += scan->text[end] == '(';
		if (scan->text[end] == ')' && --round < 0)
			break;
		end++;
	}
	while (end > at && strchr(".,;:!?'*", scan->text[end - 1]) != NULL)
		end--;
	return end;
}

/* Labels with dots between them; a dot that no label follows is not part of it. */
static size_t
host_end(const PhigScan *scan, size_t at, int *dots)
{
	size_t		end = at;
	size_t		i = at;

	*dots = 0;
	while (i < scan->len && i - at < MAX_HOST)
	{
		size_t		label = i;

		while (i < scan->len && (is_alnum(scan->text[i]) || (unsigned char) scan->text[i] >= 0x80 ||
								 (scan->text[i] == '-' && i > label) || scan->text[i] == '_'))
			i++;
		while (i > label && scan->text[i - 1] == '-')
			i--;
		if (i == label)
			break;
		*dots += label > at;
		end = i;
		if (i >= scan->len || scan->text[i] != '.')
			break;
		i++;
	}
	return end;
}

static bool
is_top_level(const char *s, size_t len)
{
	static const char domains[] =
		" com org net edu gov mil int info biz health io co us uk ca au de fr es it nl be ch at se no dk fi pl cz pt gr ie nz br mx "
		"jp cn in ru za hu ro si sk ee lt lv tn uy cy eu me tv app dev ai care clinic doctor hospital medical example test local ";
	char		word[16];

	if (len < 2 || len > sizeof(word) - 3)
		return false;
	word[0] = ' ';
	for (size_t i = 0; i < len; i++)
		word[i + 1] = s[i] >= 'A' && s[i] <= 'Z' ? s[i] - 'A' + 'a' : s[i];
	word[len + 1] = ' ';
	word[len + 2] = '\0';
	return strstr(domains, word) != NULL;
}
