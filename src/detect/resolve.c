/*
 * resolve.c
 *		From findings that overlap to spans that do not.
 *
 * The longest wins, then the one with the better score; what a loser covers beyond the winner stays a span
 * of its own, so that the union stays covered.  Parts of a name that touch become one.
 */
#include "postgres.h"

#include "detect/chars.h"
#include "detect/scan.h"

static int	compare(const void *a, const void *b);
static bool has_letter_or_digit(const PhigScan *scan, uint32 start, uint32 end);

void
phig_resolve(PhigScan *scan, float min_score)
{
	PhigFound  *found = scan->found;
	int			n = 0;
	int			kept = 0;

	for (int i = 0; i < scan->nfound; i++)
		if (found[i].score >= min_score && found[i].end > found[i].start)
			found[n++] = found[i];
	qsort(found, n, sizeof(PhigFound), compare);
	for (int i = 0; i < n; i++)
	{
		PhigFound	next = found[i];
		PhigFound  *last = kept > 0 ? &found[kept - 1] : NULL;

		if (last == NULL || next.start >= last->end)
		{
			found[kept++] = next;
			continue;
		}
		/* sorted by start, then by length: what begins with last is no longer than it */
		if (next.end <= last->end)
		{
			if (next.start == last->start && next.end == last->end && next.score > last->score)
				*last = next;
			continue;
		}
		if (next.end - next.start > last->end - last->start)
		{
			uint32		end = next.start;

			while (end > last->start && !is_alnum(scan->text[end - 1]) &&
				   !((unsigned char) scan->text[end - 1] >= 0x80))
				end--;
			last->end = end;
			if (!has_letter_or_digit(scan, last->start, last->end))
				kept--;
		}
		else
		{
			next.start = last->end;
			while (next.start < next.end && (scan->text[next.start] == ' ' || scan->text[next.start] == ','))
				next.start++;
			if (!has_letter_or_digit(scan, next.start, next.end))
				continue;
		}
		found[kept++] = next;
	}
	scan->nfound = kept;
}

static int
compare(const void *a, const void *b)
{
	const PhigFound *x = a;
	const PhigFound *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	if (x->end != y->end)
		return x->end > y->end ? -1 : 1;
	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return strcmp(x->recognizer, y->recognizer);
}

static bool
has_letter_or_digit(const PhigScan *scan, uint32 start, uint32 end)
{
	for (uint32 i = start; i < end; i++)
		if (is_alnum(scan->text[i]) || (unsigned char) scan->text[i] >= 0x80)
			return true;
	return false;
}
