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

/* Bytes of text whose findings are sorted into one heap first. */
#define HEAP_BYTES 64

static void sort(PhigScan *scan);
static int	compare(const PhigFound *x, const PhigFound *y);
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
	scan->nfound = n;
	sort(scan);
	found = scan->found;
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

/* By place: into heaps of neighbours, then each into its place among the few that are near. */
static void
sort(PhigScan *scan)
{
	size_t		heaps = scan->len / HEAP_BYTES + 1;
	int		   *ends = palloc0((heaps + 1) * sizeof(int));
	PhigFound  *sorted = palloc(Max(scan->found_room, 1) * sizeof(PhigFound));

	for (int i = 0; i < scan->nfound; i++)
		ends[scan->found[i].start / HEAP_BYTES + 1]++;
	for (size_t i = 1; i <= heaps; i++)
		ends[i] += ends[i - 1];
	for (int i = 0; i < scan->nfound; i++)
		sorted[ends[scan->found[i].start / HEAP_BYTES]++] = scan->found[i];
	for (int i = 1; i < scan->nfound; i++)
	{
		PhigFound	next = sorted[i];
		int			j = i;

		for (; j > 0 && compare(&sorted[j - 1], &next) > 0; j--)
			sorted[j] = sorted[j - 1];
		sorted[j] = next;
	}
	if (scan->found != NULL)
		pfree(scan->found);
	scan->found = sorted;
	scan->found_room = Max(scan->found_room, 1);
	pfree(ends);
}

static int
compare(const PhigFound *x, const PhigFound *y)
{
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
